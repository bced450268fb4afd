// From which value to which the colours go: what rows were like lately, in steps, so that they do not flicker.

const STEP_DB = 5, LEAST_DB = 20, HALF = 0.8;

export class Range {
  /** `plane` says what a byte is in dB. */
  constructor(plane) {
    this.plane = plane;
    this.counts = new Float64Array(256);
    this.lowDb = null;
    this.highDb = null;
  }

  /** Count a row's values. */
  add(bytes, from, n) {
    for (let bin = 0; bin < n; bin += 1) this.counts[bytes[from + bin]] += 1;
  }

  /** Follow what was counted; return whether the range has changed. */
  follow() {
    const { db_min: least, db_step: step } = this.plane;
    this.counts[0] = 0;
    const all = this.counts.reduce((sum, count) => sum + count, 0);
    if (all === 0) return false;
    const at = (share) => {
      let left = share * all;
      for (let value = 1; value < 256; value += 1) { left -= this.counts[value]; if (left <= 0) return least + value * step; }
      return least + 255 * step;
    };
    const floor = at(0.1) - 2, top = at(0.998) + 3;
    for (let value = 0; value < 256; value += 1) this.counts[value] *= HALF;
    // Only what lies well outside moves an end that stands.
    const isLow = this.lowDb === null || floor < this.lowDb || floor > this.lowDb + 2 * STEP_DB;
    const low = isLow ? STEP_DB * Math.floor(floor / STEP_DB) : this.lowDb;
    const wanted = Math.max(top, low + LEAST_DB);
    const isHigh = this.highDb === null || wanted > this.highDb || wanted < this.highDb - 2 * STEP_DB;
    const high = isHigh ? STEP_DB * Math.ceil(wanted / STEP_DB) : this.highDb;
    const isNew = low !== this.lowDb || high !== this.highDb;
    Object.assign(this, { lowDb: low, highDb: high });
    return isNew;
  }

  /** The range in bytes: where it begins and how long it is. */
  get low() { return this.lowDb === null ? 0 : (this.lowDb - this.plane.db_min) / this.plane.db_step; }
  get span() { return this.lowDb === null ? 255 : (this.highDb - this.lowDb) / this.plane.db_step; }
}
