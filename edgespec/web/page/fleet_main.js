// The page of a fleet: where observers stand, how they are, what they told, and what is said of it.
import { acts } from "/static/acts.js";
import { get, sign } from "/static/api.js";
import { card } from "/static/card.js";
import { byId, element } from "/static/element.js";
import { FleetMap } from "/static/fleet_map.js";
import { Link } from "/static/link.js";
import { askToken } from "/static/login.js";
import { setSentences, setText } from "/static/said.js";
import { duration, localDay, localTime, seconds } from "/static/units.js";

const FLEET_MS = 15000, NEWS_MS = 1500, EVENTS = 20, MOST_EVENTS = 200, MOST_ROWS = 300;

const page = { node: null, observers: [], sites: [], refusals: [], events: [], picked: null, link: "connecting", words: "", count: "", retry: 0, soon: 0, days: 7 };
const map = new FleetMap(byId("fleet-map"), (one) => { page.picked = one === page.picked ? null : one; events().catch(failed); show(); });
const link = new Link({ text: take, rows: () => {}, said: (state, words) => { Object.assign(page, { link: state, words }); show(); }, unknown: () => askToken(begin), changed: begin });
let may = null;

const whose = ({ broker, node }) => (page.node?.brokers.length > 1 ? `${broker}/${node}` : node);
const failed = (error) => { if (error.status === 401) askToken(begin); else setText(byId("link"), error.message, "bad"); };

/** Return how an observer is on the map, the worst of it. */
function mood(one) {
  if (one.silent) return "silent";
  if (one.bands.some((band) => band.alarm)) return "alarm";
  return one.bands.some((band) => band.more_than_promised) ? "more" : "";
}

async function fleet() {
  const told = await get("/api/fleet"), of = (schema) => told.filter((one) => one.schema === `edgespec.fleet-${schema}/1`);
  page.observers = of("observer").map((one) => ({ ...one, mood: mood(one) }));
  Object.assign(page, { sites: of("site"), refusals: of("refusal") });
  page.picked = page.observers.find(({ broker, node }) => broker === page.picked?.broker && node === page.picked?.node) ?? null;
  show();
}

/** Return an event with what its card needs. */
const placed = ({ broker, node, decisions, event }) => ({
  ...event, broker, node, who: whose({ broker, node }), startS: seconds(event.start), endS: seconds(event.end), isOpen: event.event_type !== "end",
  lowerHz: event["core:freq_lower_edge"], upperHz: event["core:freq_upper_edge"], acknowledged: decisions.includes("ack"),
  no_alert_reason: decisions.length ? decisions.join(", ") : event.no_alert_reason,
});

async function events(more = 0) {
  const limit = Math.min(Math.max(EVENTS, page.events.length) + more, MOST_EVENTS);
  page.events = await get("/api/events", { limit, alerts: byId("only-alerts").checked ? 1 : null, node: page.picked?.node });
  byId("older").hidden = page.events.length < limit || limit >= MOST_EVENTS;
  const list = byId("list"), held = document.activeElement?.closest?.("[data-event]"), act = document.activeElement?.dataset?.act;
  list.replaceChildren(...page.events.map((one) => card(placed(one), may, () => pick(one))));
  // Whoever has the focus in the list keeps it.
  if (held) (list.querySelector(`[data-event="${CSS.escape(held.dataset.event)}"] [data-act="${act}"]`) ?? list).focus();
  byId("none").hidden = page.events.length > 0;
}

function pick({ broker, node }) {
  page.picked = page.observers.find((one) => one.broker === broker && one.node === node) ?? null;
  byId("fleet-map").scrollIntoView({ block: "nearest" });
  show();
}

async function decisions() {
  const found = await get("/api/actions");
  byId("no-actions").hidden = found.length > 0;
  byId("actions").replaceChildren(...found.map((one) => {
    const words = { ack: "Acknowledged", mute: "Muted", normal: "Normal" }[one.command] ?? one.command;
    const text = `${localDay(seconds(one.heard))}: ${words.toLowerCase()}, ${whose(one)}${one.event ? `, event ${one.event.slice(0, 8)}` : ""}${one.undone ? ", taken back" : one.answer.until ? `, until ${localDay(seconds(one.answer.until))}` : ""}`;
    const mayUndo = may && !one.undone && one.command !== "ack";
    return element("li", { class: "silenced" }, element("span", {}, text),
      mayUndo ? element("button", { type: "button", "data-act": "undo", "aria-label": `Undo: ${text}`, onclick: () => may.undo(one.id, one) }, "Undo") : null);
  }));
}

const all = () => Promise.all([fleet(), events(), decisions()]);

/** Ask anew when no more news come for a moment. */
function soon() { clearTimeout(page.soon); page.soon = setTimeout(() => all().catch(failed), NEWS_MS); }

function take(told) {
  if (told.type === "count") page.count = told.words;
  else if (told.type === "event" && told.alert && told.event_type === "new") byId("news").append(`Alert: ${told.kind || "unknown"} in ${told.band}, ${told.node || told.site}. `);
  else if (told.type === "observer" && told.why) byId("news").append(`${told.node} is silent: ${told.why}. `);
  while (byId("news").childNodes.length > 20) byId("news").firstChild.remove();
  if (told.type !== "count") soon();
  show();
}

/** Return [how bad, sentence] of whatever is to be known at once. */
function sentences() {
  const count = (which) => page.observers.filter(which).length, said = [];
  const say = (n, how, words) => { if (n) said.push([how, `${n} ${n === 1 ? words[0] : words[1]}`]); };
  say(count(({ bands }) => bands.some((band) => band.alarm)), "bad", ["observer has an open alert.", "observers have open alerts."]);
  say(page.sites.filter((one) => one.alarm && !one.silent).length, "bad", ["site alarms.", "sites alarm."]);
  say(count((one) => one.silent), "bad", ["observer is silent.", "observers are silent."]);
  say(count(({ bands }) => bands.some((band) => band.more_than_promised)), "warn", ["observer tells more events than it promises: something is there, or it is to be calibrated.", "observers tell more events than they promise: something is there, or they are to be calibrated."]);
  say(count((one) => Math.abs(one.clock_ahead_s ?? 0) > 60), "warn", ["observer has a wrong clock.", "observers have wrong clocks."]);
  for (const { reason, n, last } of page.refusals) said.push(["warn", `${n} messages were left out (${reason}), the last: ${last}`]);
  if (page.count.includes("away") || page.count.includes("no broker")) said.unshift(["bad", `${page.count}.`]);
  return said;
}

function isShown(one, which, name) {
  const isWrong = { all: true, wrong: one.words !== "watching", silent: one.silent, more: one.bands.some((band) => band.more_than_promised) }[which];
  return isWrong && whose(one).toLowerCase().includes(name);
}

let frame = 0;
function show() { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw); }

function draw() {
  if (page.link === "open") setText(byId("link"), `${page.observers.length} observers, ${page.sites.length} sites, as of ${localTime(Date.now() / 1e3)}.`);
  else setText(byId("link"), page.words, page.link === "lost" ? "bad" : "");
  setSentences(byId("says"), sentences());
  map.draw(page.observers, page.picked);
  byId("no-places").hidden = page.observers.some((one) => one.latitude_deg !== null);
  byId("fleet-map").setAttribute("aria-label", `Map of ${page.observers.length} observers; the table below has all of it`);
  const which = byId("which").value, name = byId("filter").value.trim().toLowerCase();
  const found = page.observers.filter((one) => (page.picked ? one === page.picked : isShown(one, which, name)));
  const rank = { silent: 0, alarm: 1, more: 2, "": 3 }, told = JSON.stringify([found.map((one) => [one.node, one.words, one.last_heard, one.bands]), page.picked?.node]);
  byId("more").hidden = found.length <= MOST_ROWS;
  byId("more").textContent = `${found.length - MOST_ROWS} more: name what you look for.`;
  if (byId("rows").dataset.told === told) return;
  byId("rows").dataset.told = told;
  const sorted = [...found].sort((a, b) => rank[a.mood] - rank[b.mood]).slice(0, MOST_ROWS);
  byId("rows").replaceChildren(...sorted.flatMap(rowsOf));
}

const rate = (value) => (value === null ? "–" : String(+value.toPrecision(2)));

function rowsOf(one) {
  const heard = one.last_heard === null ? "never" : `${duration(Math.max(Date.now() / 1e3 - seconds(one.last_heard), 1))} ago`;
  const how = one.silent ? "bad" : one.words === "watching" ? "" : one.mood === "alarm" ? "bad" : "warn";
  return (one.bands.length ? one.bands : [null]).map((band, at) => element("tr", { class: `${how}${one === page.picked ? " chosen" : ""}` },
    ...(at ? [element("th", { scope: "row" }), element("td"), element("td")] : [element("th", { scope: "row" }, whose(one)), element("td", {}, one.words), element("td", {}, heard)]),
    ...(band ? [element("td", {}, band.band), element("td", {}, rate(band.told_per_day)),
      element("td", {}, band.promised_per_day === null ? "–" : `${rate(band.promised_per_day)} (${rate(band.promised_low)} to ${rate(band.promised_high)})`)] : [element("td"), element("td"), element("td")])));
}

async function begin() {
  clearTimeout(page.retry);
  try {
    page.node = await get("/api/node");
    sign(page.node.csrf);
    page.days = page.node.days;
    byId("node").textContent = page.node.node;
    byId("readonly").hidden = !page.node.readonly;
    byId("readonly").textContent = `Events can only be looked at here: ${page.node.readonly_reason}.`;
    may = page.node.readonly ? null : acts(() => { soon(); }, (event) => (event ? { broker: event.broker, node: event.node } : {}));
    await all();
  } catch (error) {
    if (error.status === 401) { askToken(begin); return; }
    setText(byId("link"), `${error.message} The next try is in 5 s.`, "bad");
    page.retry = setTimeout(begin, 5000);
    return;
  }
  link.open(null);
}

function look() {
  if (document.visibilityState !== "visible") { link.close(); clearTimeout(page.retry); clearTimeout(page.soon); }
  else begin();
}

setInterval(() => { if (document.visibilityState === "visible" && page.link === "open") all().catch(failed); }, FLEET_MS);
byId("only-alerts").addEventListener("change", () => events().catch(failed));
byId("older").addEventListener("click", () => events(EVENTS).catch(failed));
for (const id of ["which", "filter"]) byId(id).addEventListener("input", () => { page.picked = null; show(); });
document.addEventListener("visibilitychange", look);
window.addEventListener("pagehide", () => link.close());
window.addEventListener("themechange", show);
window.addEventListener("resize", show);
look();
