// What is drawn of a ring: each line of the picture is the maximum of as many rows as it covers, so that no pulse is lost.
import { CAPACITY } from "/static/ring.js";

export class Lines {
  /** `nRows` of a ring, newest first, in at most `most` lines. */
  constructor(ring, nRows, most) {
    this.ring = ring;
    this.per = Math.max(1, Math.ceil(nRows / Math.max(most, 1)));
    this.n = Math.max(1, Math.floor(nRows / this.per));
    this.bytes = new Uint8Array(this.n * ring.nBins);
    /** The first row that is not in a line yet. */
    this.next = Math.max(ring.total - Math.min(this.n * this.per, CAPACITY), 0);
    this.next -= this.next % this.per;
  }

  /** The newest line, counted since the beginning; it lies at line modulo n. */
  get line() { return Math.max(Math.floor((this.next - 1) / this.per), 0); }

  /** Whether what is new in the ring begins a line: the picture moves. */
  get isMoving() { return Math.floor((this.ring.total - 1) / this.per) !== this.line; }

  /** Take what is new in the ring and return the oldest line that has changed. */
  update() {
    const { ring, per, n } = this, nBins = ring.nBins;
    const oldest = ring.total - CAPACITY;
    if (this.next < oldest) this.next = per * Math.ceil(oldest / per);
    const changed = Math.floor(this.next / per);
    for (; this.next < ring.total; this.next += 1) {
      const to = (Math.floor(this.next / per) % n) * nBins, from = (this.next % CAPACITY) * nBins;
      if (this.next % per === 0) this.bytes.fill(0, to, to + nBins);
      for (let bin = 0; bin < nBins; bin += 1) {
        const value = ring.bytes[from + bin];
        if (value > this.bytes[to + bin]) this.bytes[to + bin] = value;
      }
    }
    return changed;
  }

  /** Return how far from the top a row is, 0 to 1 of the picture. */
  depthOf(row) { return (this.line + 1 - row / this.per) / this.n; }

  /** Return the row at a depth: the inverse of `depthOf`. */
  rowAt(depth) { return (this.line + 1 - depth * this.n) * this.per; }
}
