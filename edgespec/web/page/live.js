// The live view of a band: its planes, fed by the link and drawn while somebody looks and there is something new.
import { byId } from "/static/element.js";
import { parseRows } from "/static/link.js";
import { Plane } from "/static/plane.js";
import { CAPACITY } from "/static/ring.js";
import { duration } from "/static/units.js";

/** A row is some frames, and so no round number of seconds. */
const about = (spanS) => duration(spanS < 8 ? spanS : spanS < 120 ? 5 * Math.round(spanS / 5) : spanS);

export class Live {
  constructor(chosen) {
    Object.assign(this, { chosen, planes: new Map(), nRows: 3600, isPaused: false, isSeen: false, frame: 0, timer: 0, timerAt: Infinity, events: [], heardAt: performance.now() });
    this.step = (now) => {
      this.frame = 0;
      for (const plane of this.planes.values()) plane.draw(now);
      this.#plan();
    };
    window.addEventListener("themechange", () => { for (const plane of this.planes.values()) plane.again(); });
  }

  /** Draw from now on, or no more. */
  run(isSeen) {
    this.isSeen = isSeen;
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.#wake(Infinity);
    this.#plan();
  }

  /** Ask for a frame when something is to be drawn: an empty one costs the browser, too. */
  #plan() {
    if (!this.isSeen || this.frame !== 0) return;
    const due = Math.min(...[...this.planes.values()].map((plane) => plane.due));
    if (due > performance.now()) { if (due < this.timerAt) this.#wake(due); return; }
    this.#wake(Infinity);
    this.frame = requestAnimationFrame(this.step);
  }

  /** Plan again at a time in ms. */
  #wake(due) {
    clearTimeout(this.timer);
    this.timerAt = due;
    if (due < Infinity) this.timer = setTimeout(() => { this.timerAt = Infinity; this.#plan(); }, Math.ceil(due - performance.now()));
  }

  /** Begin with what `hello` says of a band: planes that are as before keep their rows; none are told before the first row. */
  begin(planes) {
    this.heardAt = performance.now();
    if (Object.keys(planes).length === 0) return;
    for (const [id, plane] of this.planes) {
      if (JSON.stringify(planes[plane.name]) === JSON.stringify(plane.plane)) continue;
      plane.close();
      this.planes.delete(id);
    }
    for (const [name, plane] of Object.entries(planes)) {
      if (this.planes.has(plane.id)) continue;
      const made = new Plane(name, plane, this.nRows, { chosen: this.chosen, wants: () => this.#plan() });
      this.planes.set(plane.id, made);
      byId("planes")[plane.id === 0 ? "prepend" : "append"](made.figure);
      made.begin(this.nRows);
      made.show(this.events);
    }
    const { rowS } = this.silence();
    for (const option of byId("span").options) option.textContent = about(Number(option.value) * rowS);
  }

  /** Let a band go. */
  clear() {
    for (const plane of this.planes.values()) plane.close();
    this.planes.clear();
  }

  /** Take a binary message. */
  take(buffer) {
    const { id, nRows, nBins, utc, rows } = parseRows(buffer), plane = this.planes.get(id);
    this.heardAt = performance.now();
    if (plane && nBins === plane.ring.nBins && !this.isPaused) plane.push(rows, nRows, utc);
  }

  /** Take reference and threshold of a plane. */
  refer({ plane, db, threshold_db: threshold }) {
    for (const one of this.planes.values()) if (one.name === plane) one.take(db, threshold);
  }

  /** Say how many rows are shown. */
  span(nRows) {
    this.nRows = nRows;
    for (const plane of this.planes.values()) plane.begin(nRows);
  }

  /** Say which events are boxed. */
  show(events) {
    this.events = events;
    for (const plane of this.planes.values()) plane.show(events);
  }

  /** Whether the rows of an event are still kept. */
  holds(event) { return [...this.planes.values()].some(({ ring }) => ring.total > 0 && (event.isOpen || ring.rowAt(event.endS) >= Math.max(ring.total - CAPACITY, 0))); }

  /** For how long nothing has come, in seconds, and how long a row takes. */
  silence() {
    const rowS = Math.max(0, ...[...this.planes.values()].map((plane) => plane.ring.rowS));
    return { silentS: (performance.now() - this.heardAt) / 1e3, rowS };
  }
}
