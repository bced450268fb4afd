// What comes again and again: each incident with its day, by the hours of this place.
import { byId, element } from "/static/element.js";
import { duration, localDay, mhz, seconds, width } from "/static/units.js";

/** Return counts by the hour of this place, of counts by the hour in UTC. */
function local(hours) {
  const ahead = -Math.round(new Date().getTimezoneOffset() / 60);
  return hours.map((_, hour) => hours[(hour - ahead + 48) % 24]);
}

function day(hours) {
  const most = Math.max(...hours);
  const said = hours.map((n, hour) => [n, hour]).filter(([n]) => n > 0).map(([n, hour]) => `${n} at ${hour} h`);
  const cells = hours.map((n) => element("span", n > 0 ? { class: `some-${Math.ceil((4 * n) / most)}` } : {}, n > 0 ? String(n) : ""));
  return element("div", { class: "day", role: "img", "aria-label": `By hour: ${said.join(", ") || "none"}` }, ...cells);
}

/** Show incidents, as /api/incidents has them. */
export function showIncidents(incidents) {
  byId("no-incidents").hidden = incidents.length > 0;
  byId("timetable").replaceChildren(...incidents.map((one) => {
    const lower = one["core:freq_lower_edge"], upper = one["core:freq_upper_edge"];
    const often = one.n_events === 1 ? "once" : `${one.n_events} times`;
    const every = one.interval_s ? `, about every ${duration(one.interval_s)}` : "";
    return element("li", { class: "incident" },
      element("strong", {}, `${one.kinds.join(" or ")}, ${width(upper - lower)} at ${mhz((lower + upper) / 2)} MHz`),
      ` ${often}${every}, at most ${duration(one.duration_s)} long${one.open ? ", goes on" : ""}; last ${localDay(seconds(one.last_seen))}`,
      day(local(one.hours_utc)),
      element("div", { class: "clock", "aria-hidden": "true" }, element("span", {}, "0 h"), element("span", {}, "12 h"), element("span", {}, "24 h")));
  }));
}
