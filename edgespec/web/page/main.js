// The page: asks who is there, then shows a band, and does nothing while nobody looks.
import { get, sign } from "/static/api.js";
import { acts } from "/static/acts.js";
import { byId, element } from "/static/element.js";
import { Events } from "/static/events.js";
import { Heat } from "/static/heat.js";
import { showHealth } from "/static/health.js";
import { Link } from "/static/link.js";
import { Live } from "/static/live.js";
import { askToken } from "/static/login.js";
import { setSentences, setText } from "/static/said.js";
import { Silenced } from "/static/silenced.js";
import { showIncidents } from "/static/timetable.js";
import { duration } from "/static/units.js";
import { sentences, word } from "/static/words.js";

const STATES_MS = 5000, EVENTS_MS = 15000, PAST_MS = 60000, SILENT_S = 5;

const page = { node: null, bands: [], band: null, states: new Map(), link: "connecting", linkWords: "", nLost: 0, retry: 0 };
const live = new Live((id) => events.choose(id));
const events = new Events((found) => live.show(found), mark);
const heat = new Heat(), silenced = new Silenced();
const link = new Link({ text: take, rows: (buffer) => live.take(buffer), said: (state, words) => { Object.assign(page, { link: state, linkWords: words }); say(); if (state === "open") refresh(); }, unknown: login, changed: begin });

function mark(event) {
  byId("live").scrollIntoView({ block: "nearest" });
  byId("done").textContent = live.holds(event) ? "" : `This ${event.kind} was before what the waterfall keeps: see its evidence.`;
}

function take(told) {
  if (told.type === "hello") live.begin(told.planes);
  else if (told.type === "event") events.take(told.event);
  else if (told.type === "state") { page.states.set(told.state.band, told.state); showState(); }
  else if (told.type === "reference") live.refer(told);
  else if (told.type === "lost") { page.nLost += told.n_rows ?? 0; if (told.n_messages) refresh(); }
}

function say() {
  const { silentS, rowS } = live.silence(), isSilent = silentS > Math.max(SILENT_S, 3 * rowS);
  const where = byId("link");
  if (page.link === "lost") setText(where, page.linkWords, "bad");
  else if (page.link === "connecting") setText(where, page.linkWords, "");
  else if (live.isPaused) setText(where, "Paused: what comes now is not drawn.", "warn");
  else if (isSilent) setText(where, `Connected, but nothing is heard of this band for ${duration(Math.round(silentS))}: the radio or the observer is silent.`, "warn");
  else setText(where, page.nLost > 0 ? `Live. This browser was too slow for ${page.nLost} rows.` : "Live.", "");
}

function showState() {
  const state = page.states.get(page.band), band = page.bands.find((one) => one.band === page.band);
  setSentences(byId("says"), sentences(state, band));
  showHealth(state, page.node);
  for (const button of byId("bands").children) {
    const words = `${button.dataset.band}: ${word(page.states.get(button.dataset.band))}`;
    if (button.textContent !== words) button.textContent = words;
    button.setAttribute("aria-pressed", String(button.dataset.band === page.band));
  }
}

async function states() {
  for (const state of await get("/api/state")) page.states.set(state.band, state);
  showState();
}

async function past() {
  const band = page.band;
  const [incidents, history] = await Promise.all([
    get("/api/incidents", { band, days: 30 }), get("/api/history", { band, hours: byId("hours").value })]);
  if (band !== page.band) return;
  showIncidents(incidents);
  heat.show(history);
}

const quietly = (work) => work().catch((error) => { if (error.status === 401) login(); else if (page.link !== "lost") setText(byId("link"), error.message, "bad"); });
const refresh = () => { for (const work of [states, past, () => events.open(page.band), () => silenced.open()]) quietly(work); };

function choose(band) {
  if (page.band !== band) { live.clear(); page.nLost = 0; }
  page.band = band;
  showState();
  try { sessionStorage.setItem("band", band); } catch { /* Only not remembered. */ }
  link.open(band);
}

function login() {
  link.close();
  askToken(begin);
}

async function begin() {
  clearTimeout(page.retry);
  try {
    page.node = await get("/api/node");
    page.bands = await get("/api/bands");
  } catch (error) {
    if (error.status === 401) { login(); return; }
    setText(byId("link"), `${error.message} The next try is in 5 s.`, "bad");
    page.retry = setTimeout(begin, 5000);
    return;
  }
  sign(page.node.csrf);
  byId("node").textContent = page.node.node;
  document.title = `${page.node.node} - edgespec`;
  byId("readonly").hidden = !page.node.readonly;
  byId("readonly").textContent = page.node.readonly_reason || "Read-only: this page shows, and changes nothing. Acknowledge and mute on the observer itself: edgespec events ack, edgespec events mute.";
  events.acts = page.node.readonly ? null : acts(() => Promise.all([events.open(page.band), silenced.open()]));
  silenced.undo = events.acts?.undo ?? null;
  events.redraw();
  byId("bands").replaceChildren(...page.bands.map(({ band }) => element("button", { type: "button", "data-band": band, onclick: () => choose(band) }, band)));
  if (page.bands.length === 0) { setText(byId("link"), "This observer has no band.", "warn"); return; }
  let kept = null;
  try { kept = sessionStorage.getItem("band"); } catch { /* As above. */ }
  choose((page.bands.find(({ band }) => band === kept) ?? page.bands[0]).band);
}

/** While nobody looks, nothing is listened to, asked for or drawn. */
function look() {
  const isSeen = document.visibilityState === "visible";
  live.run(isSeen);
  if (!isSeen) { link.close(); clearTimeout(page.retry); Object.assign(page, { link: "connecting", linkWords: "Connecting ..." }); }
  else if (page.band === null) begin();
  else if (byId("login").hidden) link.open(page.band);
}

const whileSeen = (work, everyMs) => setInterval(() => { if (document.visibilityState === "visible" && page.band !== null && page.link === "open") work(); }, everyMs);
whileSeen(() => quietly(states), STATES_MS);
// Pictures are drawn after an event, and somebody else may have acknowledged it.
whileSeen(() => quietly(() => events.open(page.band)), EVENTS_MS);
whileSeen(() => quietly(past), PAST_MS);
whileSeen(() => quietly(() => silenced.open()), PAST_MS);
setInterval(() => { if (page.band !== null && document.visibilityState === "visible" && byId("login").hidden) say(); }, 1000);

byId("span").addEventListener("change", ({ target }) => live.span(Number(target.value)));
byId("hours").addEventListener("change", () => quietly(past));
byId("pause").addEventListener("click", ({ target }) => {
  live.isPaused = !live.isPaused;
  target.setAttribute("aria-pressed", String(live.isPaused));
  say();
});
document.addEventListener("visibilitychange", look);
window.addEventListener("pagehide", () => link.close());
look();
