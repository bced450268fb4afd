// The question before something is changed for longer.
import { byId } from "/static/element.js";

/** Ask, and return seconds, 0 where no length is asked for, or null where a person says no. */
export function ask(title, text, yes, isLong) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  byId("ask-how").hidden = !isLong;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue !== "yes" ? null : isLong ? Number(byId("ask-seconds").value) : 0);
    }, { once: true });
  });
}
