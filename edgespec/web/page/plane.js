// One plane of a band, power or residual: the chart of its newest row, its waterfall, axes and the boxes of events.
import { BELOW, LEFT, RIGHT, drawFrequencies, drawRows, xOf } from "/static/axes.js";
import { drawChart } from "/static/chart.js";
import { drawRamp } from "/static/colours.js";
import { element, ink, sharp } from "/static/element.js";
import { Lines } from "/static/lines.js";
import { Painter2d } from "/static/painter_2d.js";
import { PainterGl } from "/static/painter_gl.js";
import { Range } from "/static/range.js";
import { CAPACITY, Ring } from "/static/ring.js";
import { localTime } from "/static/units.js";

const TITLES = { power: ["Power", "dBFS"], residual: ["Residual", "dB over normal"] };
/** How often the eye can follow numbers and lines, in ms; the waterfall moves in any frame. */
const FOLLOW_MS = 66, OVER_MS = 200, RANGE_MS = 1000;

export class Plane {
  /** `plane` is what `hello` says of it; `chosen` is told which event was clicked, `wants` that something is to be drawn. */
  constructor(name, plane, nRows, { chosen, wants }) {
    const [title, unit] = TITLES[name] ?? [name, "dB"];
    Object.assign(this, { name, plane, nRows, chosen, wants, painter: null, events: [] });
    this.chart = element("canvas", { class: "chart", role: "img", "aria-label": `${title} of the newest row over frequency` });
    this.pixels = element("canvas", { class: "pixels", role: "img", "aria-label": `Waterfall of ${title.toLowerCase()}, newest on top` });
    this.over = element("canvas", { class: "over", "aria-hidden": "true" });
    this.over.addEventListener("click", (event) => this.#click(event));
    this.fall = element("div", { class: "fall" }, this.pixels, this.over);
    this.ramp = element("canvas", { "aria-hidden": "true" });
    drawRamp(this.ramp);
    this.thresholdKey = element("span", { class: "key threshold", hidden: true }, "threshold");
    [this.lowText, this.highText] = [element("span"), element("span")];
    this.figure = element("figure", { class: "plane", "data-plane": name },
      element("figcaption", {}, element("strong", {}, title), element("small", {}, unit),
        element("span", { class: "key now" }, "now"), element("span", { class: "key reference" }, "normal"),
        this.thresholdKey),
      this.chart, this.fall,
      element("div", { class: "ramp" }, this.lowText, this.ramp, this.highText, element("span", {}, "dark: not heard")));
    // What is left of a cell is told in dB over what is normal.
    const reference = name === "residual" ? Array(plane.n_bins).fill(0) : null;
    this.seen = { row: new Float32Array(plane.n_bins), reference, threshold: null, usualDb: null };
    this.loudest = new Uint8Array(plane.n_bins);
    this.begin(nRows);
    this.watcher = new ResizeObserver(() => this.begin(this.nRows));
    this.watcher.observe(this.fall);
  }

  /** Begin the picture anew, with so many rows of what is kept. */
  begin(nRows) {
    this.nRows = nRows;
    this.ring ??= new Ring(this.plane);
    this.range ??= new Range(this.plane);
    const high = Math.max(60, (this.fall.clientHeight || 340) - BELOW) * Math.min(window.devicePixelRatio || 1, 2);
    const lines = new Lines(this.ring, Math.min(nRows, CAPACITY), Math.floor(high));
    if (this.painter && this.lines.n === lines.n && this.lines.per === lines.per && this.lines.ring === this.ring) return;
    this.lines = lines;
    this.painter?.close();
    this.painter = this.#painter();
    Object.assign(this, { isNew: true, rangeAt: 0 });
    this.again();
  }

  /** Draw everything but the waterfall again, soon. */
  again() {
    Object.assign(this, { followAt: 0, isChartOld: true });
    this.#mark();
  }

  /** Draw the boxes again, soon. */
  #mark() {
    Object.assign(this, { overAt: 0, isOverOld: true });
    this.wants();
  }

  #painter() {
    // A canvas that has had one kind of context never has another.
    const canvas = this.pixels.cloneNode();
    this.pixels.replaceWith(canvas);
    this.pixels = canvas;
    try {
      canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); this.isLost = canvas === this.pixels; this.wants(); });
      return new PainterGl(canvas, this.lines);
    } catch {
      const plain = canvas.cloneNode();
      canvas.replaceWith(plain);
      this.pixels = plain;
      return new Painter2d(plain, this.lines);
    }
  }

  /** Take rows of bytes that begin at a time. */
  push(rows, nRows, utc) {
    const { nBins } = this.ring;
    if (this.ring.push(rows, nRows, utc)) { this.painter.close(); this.painter = null; this.begin(this.nRows); }
    for (let row = 0; row < nRows; row += 1) {
      const from = row * nBins;
      this.range.add(rows, from, nBins);
      for (let bin = 0; bin < nBins; bin += 1) if (rows[from + bin] > this.loudest[bin]) this.loudest[bin] = rows[from + bin];
    }
    this.isNew = true;
    this.wants();
  }

  /** Take what is normal and from where on it alarms, in dB a bin. */
  take(reference, threshold) {
    this.seen.threshold = threshold;
    // The usual threshold is to be seen, those of bins without signal may be anywhere.
    const known = (threshold ?? []).filter(Number.isFinite).sort((a, b) => a - b);
    this.seen.usualDb = known.length > 0 ? known[known.length >> 1] : null;
    if (this.name !== "residual") this.seen.reference = reference;
    this.thresholdKey.hidden = !threshold;
    this.again();
  }

  /** Say which events lie in this band. */
  show(events) { this.events = events; this.#mark(); }

  /** From when on there is something to draw, in ms: now, later, or never. */
  get due() {
    if (this.isLost || (this.isNew && this.lines.isMoving)) return 0;
    // A line that is not full yet moves nothing: it is followed, but not in every frame.
    const follow = this.isNew || this.isChartOld ? this.followAt + FOLLOW_MS : Infinity;
    return Math.min(follow, this.isOverOld ? this.overAt + OVER_MS : Infinity);
  }

  /** Draw what has changed, at a time in ms. */
  draw(now) {
    if (this.isLost) { this.isLost = false; this.painter = null; this.begin(this.nRows); }
    const { isMoving } = this.lines, isTime = now - this.followAt >= (isMoving ? FOLLOW_MS / 2 : FOLLOW_MS);
    if (this.isNew && (isTime || isMoving)) {
      if (now - this.rangeAt >= RANGE_MS && this.ring.total > 0) { this.rangeAt = now; this.#followRange(); }
      this.painter.paint(this.lines.update(), this.range.low, this.range.span);
      Object.assign(this, { isNew: false, isChartOld: true, isOverOld: true });
    }
    // Together with the waterfall: each frame costs the browser, however little is drawn in it.
    if (isTime && this.isChartOld) { Object.assign(this, { followAt: now, isChartOld: false }); this.#drawChart(); }
    if (now - this.overAt >= OVER_MS && this.isOverOld) { Object.assign(this, { overAt: now, isOverOld: false }); this.#drawOver(); }
  }

  #followRange() {
    if (!this.range.follow()) return;
    this.lowText.textContent = `${this.range.lowDb} dB`.replace("-", "\u2212");
    this.highText.textContent = `${this.range.highDb} dB`.replace("-", "\u2212");
  }

  #drawChart() {
    const { db_min: least, db_step: step } = this.plane, { row } = this.seen;
    // Between two charts there may be several rows: the loudest of each bin is seen.
    for (let bin = 0; bin < row.length; bin += 1) {
      if (this.loudest[bin] > 0) row[bin] = least + this.loudest[bin] * step;
    }
    this.loudest.fill(0);
    drawChart(this.chart, this.range, this.seen);
  }

  #drawOver() {
    const context = sharp(this.over), wide = this.over.clientWidth, all = this.over.clientHeight, high = all - BELOW;
    drawFrequencies(context, this.plane, wide, all);
    if (this.ring.total === 0) return;
    const labels = [];
    for (let y = 8; y < high; y += Math.max(40, high / 6)) labels.push([y, localTime(this.ring.timeOf(this.lines.rowAt(y / high)))]);
    drawRows(context, labels);
    this.boxes = this.events.map((event) => this.#box(event, wide, high)).filter((box) => box !== null);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, wide - LEFT - RIGHT, high);
    context.clip();
    context.font = `600 ${ink().font}`;
    for (const { event, x, y, w, h } of this.boxes) {
      // White with a black rim is seen on every colour of the map.
      Object.assign(context, { strokeStyle: "#000", lineWidth: 4 });
      context.strokeRect(x, y, w, h);
      Object.assign(context, { strokeStyle: "#fff", lineWidth: event.isChosen ? 3 : 2 });
      context.setLineDash(event.alert ? [] : [5, 4]);
      context.strokeRect(x, y, w, h);
      context.setLineDash([]);
      Object.assign(context, { strokeStyle: "#000", fillStyle: "#fff", lineWidth: 3, textBaseline: "top" });
      const isLeft = x + w + 10 + context.measureText(event.kind).width > wide - RIGHT;
      context.textAlign = isLeft ? "right" : "left";
      const [tx, ty] = [isLeft ? x - 5 : x + w + 5, Math.max(y, 0) + 2];
      context.strokeText(event.kind, tx, ty);
      context.fillText(event.kind, tx, ty);
    }
    context.restore();
  }

  #box(event, wide, high) {
    const [from, to] = [event.startS, event.isOpen ? this.ring.newest() : event.endS].map((time) => this.lines.depthOf(this.ring.rowAt(time)) * high);
    if (from < 0 || to > high || !Number.isFinite(from + to)) return null;
    const x = xOf(event.lowerHz, this.plane, wide), w = Math.max(xOf(event.upperHz, this.plane, wide) - x, 6);
    return { event, x: x - 2, y: to - 2, w: w + 4, h: Math.max(from - to, 4) + 4 };
  }

  #click(event) {
    const { offsetX: x, offsetY: y } = event;
    const hit = (this.boxes ?? []).find((box) => x >= box.x - 4 && x <= box.x + box.w + 4 && y >= box.y - 4 && y <= box.y + box.h + 4);
    if (hit) this.chosen(hit.event.id);
    this.#mark();
  }

  /** Let everything go. */
  close() { this.watcher.disconnect(); this.painter.close(); this.figure.remove(); }
}
