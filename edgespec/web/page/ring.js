// The newest rows of a plane, raw: a ring of bytes, made once, so that no row needs memory of its own.

/** The most rows that are kept, a minute of 60 a second. */
export const CAPACITY = 3600;

export class Ring {
  /** `plane` is what `hello` says: n_bins, row_s, db_min, db_step. */
  constructor(plane) {
    this.nBins = plane.n_bins;
    this.rowS = plane.row_s;
    this.bytes = new Uint8Array(CAPACITY * this.nBins);
    this.times = new Float64Array(CAPACITY);
    /** Rows since the beginning; row n lies at n modulo CAPACITY. */
    this.total = 0;
  }

  /** Take rows that begin at a time; what was not heard before them becomes empty rows. Return whether to begin anew. */
  push(rows, nRows, utc) {
    let isNew = false;
    if (this.total > 0) {
      const gap = utc - this.newest() - this.rowS;
      if (gap < -1) { this.total = 0; isNew = true; this.bytes.fill(0); }
      else if (gap > Math.max(2 * this.rowS, 0.25)) {
        const missing = Math.min(Math.round(gap / this.rowS), CAPACITY);
        for (let n = 0; n < missing; n += 1) this.#put(null, 0, utc - (missing - n) * this.rowS);
      }
    }
    for (let n = 0; n < nRows; n += 1) this.#put(rows, n * this.nBins, utc + n * this.rowS);
    return isNew;
  }

  #put(rows, from, utc) {
    const at = this.total % CAPACITY, to = at * this.nBins;
    if (rows === null) this.bytes.fill(0, to, to + this.nBins);
    else for (let bin = 0; bin < this.nBins; bin += 1) this.bytes[to + bin] = rows[from + bin];
    this.times[at] = utc;
    this.total += 1;
  }

  /** Return the time of the newest row. */
  newest() { return this.times[(this.total - 1) % CAPACITY]; }

  /** Return which row, with a fraction, a time lies in; beyond what is kept it is extrapolated. */
  rowAt(utc) {
    let low = Math.max(this.total - CAPACITY, 0), high = this.total;
    if (high === 0) return 0;
    const first = this.times[low % CAPACITY];
    if (utc < first) return low + (utc - first) / this.rowS;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.times[middle % CAPACITY] <= utc) low = middle; else high = middle;
    }
    return low + Math.min((utc - this.times[low % CAPACITY]) / this.rowS, 1);
  }

  /** Return the time of a row, as `rowAt` counts them. */
  timeOf(row) {
    const oldest = Math.max(this.total - CAPACITY, 0), whole = Math.max(oldest, Math.min(Math.floor(row), this.total - 1));
    return this.times[whole % CAPACITY] + (row - whole) * this.rowS;
  }
}
