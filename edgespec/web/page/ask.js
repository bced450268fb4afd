// The question before something is changed for longer.
import { byId } from "/static/element.js";

let pending = null;

/** Ask, and return seconds, 0 where no length is asked for, or null where a person says no. */
export function ask(title, text, yes, isLong) {
  const dialog = byId("ask");
  // A browser says that a question was closed a moment later: it may be asked again by then.
  pending?.(null);
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  byId("ask-how").hidden = !isLong;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    const closed = () => {
      if (dialog.open) return;
      pending(dialog.returnValue !== "yes" ? null : isLong ? Number(byId("ask-seconds").value) : 0);
    };
    pending = (answer) => {
      dialog.removeEventListener("close", closed);
      pending = null;
      resolve(answer);
    };
    dialog.addEventListener("close", closed);
  });
}
