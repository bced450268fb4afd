// One event as a card: what, where, how strong, what to do, its picture, and what a person may say of it.
import { element } from "/static/element.js";
import { db, duration, localDay, localTime, mhz, width } from "/static/units.js";

function level(event) {
  for (const [name, unit] of [["peak_dbuv_m", "dB\u00b5V/m"], ["peak_dbm", "dBm"], ["peak_dbfs", "dBFS"]]) {
    if (Number.isFinite(event[name])) return db(event[name], unit);
  }
  return "unknown";
}

function picture(event) {
  if (!event.picture) return null;
  const shown = element("img", {
    class: "picture", src: event.picture, loading: "lazy", width: 320, height: 180,
    alt: `Evidence: the band over time when the ${event.kind} was there`,
  });
  shown.addEventListener("error", () => shown.replaceWith(element("p", { class: "hint" }, "Its picture is not there any more.")));
  return element("details", { open: event.isFirst || event.isChosen },
    element("summary", {}, "Evidence"),
    element("a", { href: event.picture, target: "_blank", rel: "noopener", "aria-label": "The picture, in its own tab" }, shown));
}

/** Return the card; `acts` has acknowledge, mute and normal, or is null where nothing may be changed. */
export function card(event, acts, choose) {
  const lasted = event.isOpen ? "goes on" : `lasted ${duration(Math.max(event.endS - event.startS, 0.001))}`;
  const sure = Number.isFinite(event.kind_probability) ? `, ${Math.round(100 * event.kind_probability)}% sure` : "";
  const tag = event.acknowledged ? "acknowledged" : event.alert ? "alert" : event.no_alert_reason || "no alert";
  const act = (name, words, isThere = true) => (acts && isThere
    ? element("button", { type: "button", "data-act": name, "aria-label": `${words}: ${event.kind} at ${mhz(event.peak_freq_hz)} MHz`, onclick: () => acts[name](event) }, words) : null);
  const today = new Date(event.startS * 1e3).toDateString() === new Date().toDateString();
  return element("li", { class: `event${event.alert ? " alert" : ""}${event.isChosen ? " chosen" : ""}`, tabindex: -1, "data-event": event.id },
    element("h3", {}, element("span", {}, `${event.kind}${sure}`), element("span", { class: "tag" }, tag)),
    event.who ? element("p", { class: "who" }, event.who) : null,
    element("p", {}, `${width(event.upperHz - event.lowerHz)} at ${mhz((event.lowerHz + event.upperHz) / 2)} MHz`),
    element("p", {}, `${today ? localTime(event.startS) : localDay(event.startS)}, ${lasted}`),
    element("p", {}, `Peak ${level(event)}, ${db(event.excess_db)} over normal, by ${event.detector}`),
    event.kind_hint ? element("p", { class: "hint" }, event.kind_hint) : null,
    event.advice ? element("p", {}, `What to do: ${event.advice}.`) : null,
    picture(event),
    element("div", { class: "bar" },
      element("button", { type: "button", "data-act": "show", "aria-label": `Mark the ${event.kind} in the ${event.who ? "map" : "waterfall"}`, onclick: () => choose(event.id) }, "Mark"),
      act("acknowledge", "Acknowledge", event.isOpen && !event.acknowledged), act("mute", "Mute"), act("normal", "This is normal")));
}
