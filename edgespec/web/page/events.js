// The list of events of a band: what the history has, and what comes while somebody looks.
import { get } from "/static/api.js";
import { card } from "/static/card.js";
import { byId } from "/static/element.js";
import { seconds, width, mhz } from "/static/units.js";

const PAGE = 10, MOST = 200;

/** Return an event with what drawing needs of it. */
function placed(event) {
  return Object.assign(event, {
    startS: seconds(event.start), endS: seconds(event.end), isOpen: event.event_type !== "end",
    lowerHz: event["core:freq_lower_edge"], upperHz: event["core:freq_upper_edge"],
  });
}

export class Events {
  /** `changed` is told of a new list, `mark` shows an event in the waterfall; `acts` does what buttons ask, if they may. */
  constructor(changed, mark) {
    Object.assign(this, { changed, mark, acts: null, band: null, byName: new Map(), cards: new Map(), chosen: "" });
    byId("older").addEventListener("click", () => this.#older().catch((error) => { byId("done").textContent = `No older events: ${error.message}`; }));
  }

  /** Show those of a band; return when they are there. */
  async open(band) {
    if (band !== this.band) {
      this.byName.clear(); this.cards.clear();
      byId("list").replaceChildren();
    }
    this.band = band;
    const found = await get("/api/events", { band, limit: PAGE });
    if (band !== this.band) return;
    byId("older").hidden = found.length < PAGE;
    for (const event of found) this.#keep(event);
    this.#draw();
  }

  async #older() {
    const oldest = this.sorted().at(-1);
    const found = await get("/api/events", { band: this.band, limit: PAGE, before: oldest?.start });
    byId("older").hidden = found.length < PAGE || this.byName.size >= MOST;
    for (const event of found) this.#keep(event);
    this.#draw();
  }

  /** Take what the observer has just said of an event. */
  take(event) {
    if (event.band !== this.band) return;
    const isNew = !this.byName.has(event.id);
    this.#keep(event);
    this.#draw();
    if (isNew) byId("news").append(`${event.alert ? "Alert" : "Event"}: ${event.kind}, ${width(event["core:freq_upper_edge"] - event["core:freq_lower_edge"])} at ${mhz(event.peak_freq_hz)} MHz. `);
    while (byId("news").childNodes.length > 20) byId("news").firstChild.remove();
  }

  #keep(event) {
    const known = this.byName.get(event.id);
    // What is asked for may be older than what was told meanwhile.
    if (known && (known.endS > seconds(event.end) || (!known.isOpen && event.event_type !== "end"))) return;
    // A message of the live connection may not know the picture or who has acknowledged.
    this.byName.set(event.id, placed({ picture: known?.picture ?? null, acknowledged: known?.acknowledged ?? false, ...event }));
  }

  /** Return the events, newest first. */
  sorted() { return [...this.byName.values()].sort((a, b) => b.startS - a.startS).slice(0, MOST); }

  /** Mark an event, and show where it lies in time and frequency. */
  #point(id) {
    this.chosen = id;
    this.#draw();
    this.mark(this.byName.get(id));
  }

  /** Mark an event, show its card, and give it the focus. */
  choose(id) {
    this.chosen = id;
    this.#draw();
    const found = this.cards.get(id)?.made;
    found?.scrollIntoView({ block: "nearest" });
    found?.focus();
  }

  /** Draw all anew: what may be done has changed. */
  redraw() { this.cards.clear(); this.#draw(); }

  #draw() {
    const sorted = this.sorted(), list = byId("list");
    for (const [at, event] of sorted.entries()) {
      Object.assign(event, { isChosen: event.id === this.chosen, isFirst: at === 0 });
      const said = JSON.stringify(event), known = this.cards.get(event.id);
      if (known?.said === said) continue;
      const made = card(event, this.acts, (id) => this.#point(id));
      const focus = known && known.made.contains(document.activeElement) ? document.activeElement.dataset.act : null;
      if (known) known.made.replaceWith(made);
      this.cards.set(event.id, { said, made });
      if (focus) (made.querySelector(`[data-act="${focus}"]`) ?? made).focus();
    }
    // Those that lie right stay where they are, with the focus that may be in them.
    sorted.forEach((event, at) => {
      const { made } = this.cards.get(event.id);
      if (list.children[at] !== made) list.insertBefore(made, list.children[at] ?? null);
    });
    while (list.children.length > sorted.length) list.lastChild.remove();
    // A page that stays open for weeks forgets what it shows no more.
    const shown = new Set(sorted.map(({ id }) => id));
    for (const kept of [this.byName, this.cards]) for (const id of kept.keys()) if (!shown.has(id)) kept.delete(id);
    byId("none").hidden = sorted.length > 0;
    this.changed(sorted);
  }
}
