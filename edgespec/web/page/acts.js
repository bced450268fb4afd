// What a person says of an event: that it is seen, that it may come for a while, that it is normal here.
import { post } from "/static/api.js";
import { ask } from "/static/ask.js";
import { byId } from "/static/element.js";
import { duration, mhz, width } from "/static/units.js";

/** Return them; `done` is called when something has changed, `about` says whose an event is, where that is to be said. */
export function acts(done, about = () => ({})) {
  async function change(path, body, words) {
    try {
      const answer = await post(path, body);
      byId("done").textContent = typeof answer?.said === "string" ? answer.said : words;
      await done();
    } catch (error) {
      byId("done").textContent = `Not done: ${error.message}`;
    }
  }
  const where = (event) => `${width(event.upperHz - event.lowerHz)} at ${mhz((event.lowerHz + event.upperHz) / 2)} MHz`;
  const path = (event, what) => `/api/events/${encodeURIComponent(event.id)}/${what}`;
  return {
    undo: (id, of = null) => change("/api/undo", { ...about(of), id }, "Taken back."),
    acknowledge: (event) => change(path(event, "acknowledge"), about(event), `Acknowledged: this ${event.kind} alarms no more, the next one does.`),
    async mute(event) {
      const seconds = await ask("Mute", `What is like this ${event.kind}, ${where(event)}, alarms no more for a while. It is still written down.`, "Mute", true);
      if (seconds !== null) await change("/api/mutes", { ...about(event), id: event.id, seconds }, `Muted for ${duration(seconds)}: ${event.kind}, ${where(event)}.`);
    },
    async normal(event) {
      const yes = await ask("This is normal", `What is like this ${event.kind}, ${where(event)}, no wider, at most 3 dB stronger and twice as long, alarms no more here. It can be undone below the events.`, "This is normal", false);
      if (yes !== null) await change(path(event, "normal"), about(event), `Normal here from now on: ${event.kind}, ${where(event)}.`);
    },
  };
}
