// The page of a central unit: a site's map, live.
import { get } from "/static/api.js";
import { byId, element } from "/static/element.js";
import { Link } from "/static/link.js";
import { askToken } from "/static/login.js";
import { drawMap } from "/static/map.js";
import { setSentences, setText } from "/static/said.js";
import { db, localTime, seconds } from "/static/units.js";
import { place, siteSentences, unitState, unitsOf, withSilent } from "/static/verdict.js";

const page = { sites: [], site: null, verdicts: new Map(), link: "connecting", words: "", frame: 0, retry: 0 };
const link = new Link({ text: take, rows: () => {}, said: (state, words) => { Object.assign(page, { link: state, words }); show(); }, unknown: () => askToken(begin), changed: begin });

function take(told) {
  // Another central unit has come or gone, and the sites are shared anew.
  if (told.type === "members") sites().catch(() => {});
  if (told.type !== "verdict") return;
  const verdict = told.verdict, before = page.verdicts.get(verdict.site);
  page.verdicts.set(verdict.site, verdict);
  if (verdict.alarm && !before?.alarm) byId("news").append(`Alarm at ${verdict.site}: ${verdict.kind || "unknown"} source ${place(verdict)}. `);
  while (byId("news").childNodes.length > 20) byId("news").firstChild.remove();
  show();
}

/** Draw in the next frame, once, whatever has changed until then. */
function show() {
  cancelAnimationFrame(page.frame);
  page.frame = requestAnimationFrame(draw);
}

function draw() {
  const site = page.sites.find((one) => one.name === page.site);
  if (!site) { setText(byId("link"), page.link === "lost" ? page.words : "This central unit looks after no site now: another one does.", "warn"); return; }
  const verdict = page.verdicts.get(site.name), units = unitsOf(site, verdict);
  if (page.link === "open") setText(byId("link"), verdict ? `Live, as of ${localTime(seconds(verdict.time))}.` : "Live.");
  else setText(byId("link"), page.words, page.link === "lost" ? "bad" : "");
  setSentences(byId("says"), siteSentences(verdict));
  drawMap(byId("map"), withSilent(site, verdict), units, verdict?.source ?? null);
  byId("map").setAttribute("aria-label", `Map of ${site.name}, ${site.size_m[0]} by ${site.size_m[1]} m${verdict?.source ? `; source ${place(verdict)}` : ""}`);
  const rows = units.map((unit) => [unit.node, unitState(unit), ...[unit.heard, unit.expected].map((level) => db(level, site.level_unit)), db(unit.difference)]);
  const body = byId("units");
  if (body.children.length !== rows.length) body.replaceChildren(...rows.map(() => element("tr", {}, element("th", { scope: "row" }), ...[1, 2, 3, 4].map(() => element("td")))));
  rows.forEach((cells, at) => cells.forEach((text, column) => {
    const cell = body.children[at].children[column];
    if (cell.textContent !== text) cell.textContent = text;
  }));
  for (const button of byId("sites").children) {
    button.setAttribute("aria-pressed", String(button.dataset.site === page.site));
    const words = `${button.dataset.site}${page.verdicts.get(button.dataset.site)?.alarm ? ": alarm" : ""}`;
    if (button.textContent !== words) button.textContent = words;
  }
}

function choose(site) { page.site = site; show(); }

/** Ask which sites there are. */
async function sites() {
  page.sites = await get("/api/site");
  for (const { name, verdict } of page.sites) if (verdict) page.verdicts.set(name, verdict);
  byId("sites").replaceChildren(...page.sites.map(({ name }) => element("button", { type: "button", "data-site": name, onclick: () => choose(name) }, name)));
  if (!page.sites.some(({ name }) => name === page.site)) page.site = page.sites[0]?.name ?? null;
  show();
}

async function begin() {
  clearTimeout(page.retry);
  try {
    byId("central").textContent = (await get("/api/node")).node;
    await sites();
  } catch (error) {
    if (error.status === 401) { askToken(begin); return; }
    setText(byId("link"), `${error.message} The next try is in 5 s.`, "bad");
    page.retry = setTimeout(begin, 5000);
    return;
  }
  link.open(null);
}

function look() {
  if (document.visibilityState !== "visible") { link.close(); clearTimeout(page.retry); }
  else begin();
}

document.addEventListener("visibilitychange", look);
window.addEventListener("pagehide", () => link.close());
window.addEventListener("themechange", show);
window.addEventListener("resize", show);
look();
