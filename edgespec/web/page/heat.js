// Levels of hours as a picture: frequency to the right, time down, newest on top.
import { BELOW, drawFrequencies, drawRows } from "/static/axes.js";
import { RAMP, UNHEARD } from "/static/colours.js";
import { byId, element, sharp } from "/static/element.js";
import { localDate, localDay, localMinute, mhz, seconds } from "/static/units.js";

/** A day, and the hour by which clocks are put back. */
const DAY_S = 90000;

export class Heat {
  constructor() {
    this.pixels = element("canvas", { class: "pixels", "aria-hidden": "true" });
    this.over = element("canvas", { class: "over", role: "img" });
    this.said = element("p", { class: "hint" }, "No history yet.");
    byId("heat").append(element("div", { class: "heat" }, this.pixels, this.over), this.said);
    new ResizeObserver(() => this.#axes()).observe(this.over);
    window.addEventListener("themechange", () => this.#axes());
  }

  /** Show what /api/history says. */
  show({ utc, freqs_hz: freqs, level_db: levels }) {
    const rows = utc.map(seconds).map((time, at) => ({ time, row: levels[at] })).reverse();
    this.times = rows.map(({ time }) => time);
    const all = levels.flat().filter(Number.isFinite).sort((a, b) => a - b);
    Object.assign(this.pixels, { width: Math.max(freqs.length, 1), height: Math.max(rows.length, 1) });
    if (all.length === 0) {
      this.band = null;
      this.said.textContent = "No level of these hours is kept.";
      this.#axes();
      return;
    }
    const half = freqs.length > 1 ? (freqs[1] - freqs[0]) / 2 : 0.5;
    this.band = { lower_hz: freqs[0] - half, upper_hz: freqs.at(-1) + half };
    const low = all[Math.floor(0.05 * all.length)] - 1, span = Math.max(all.at(-1) - low, 10);
    const context = this.pixels.getContext("2d"), image = context.createImageData(freqs.length, rows.length);
    let loudest = { level: -Infinity };
    rows.forEach(({ time, row }, at) => row.forEach((level, bin) => {
      const isHeard = Number.isFinite(level), shade = 4 * Math.round(Math.max(0, Math.min((level - low) / span, 1)) * 255);
      for (let part = 0; part < 3; part += 1) image.data[4 * (at * freqs.length + bin) + part] = isHeard ? RAMP[shade + part] : UNHEARD[part];
      image.data[4 * (at * freqs.length + bin) + 3] = 255;
      if (isHeard && level > loudest.level) loudest = { level, time, hz: freqs[bin] };
    }));
    context.putImageData(image, 0, 0);
    this.said.textContent = `${localDay(this.times.at(-1))} to ${localDay(this.times[0])}. Loudest: ${loudest.level.toFixed(1).replace("-", "\u2212")} dB at ${mhz(loudest.hz)} MHz, ${localDay(loudest.time)}.`;
    this.over.setAttribute("aria-label", `Levels over time. ${this.said.textContent}`);
    this.#axes();
  }

  #axes() {
    const context = sharp(this.over), wide = this.over.clientWidth, high = this.over.clientHeight - BELOW;
    if (!this.band) return;
    drawFrequencies(context, this.band, wide, high + BELOW);
    const labels = [];
    // Of more than a day the day is told, of less the time.
    const label = this.times[0] - this.times.at(-1) > DAY_S ? localDate : localMinute;
    for (let y = 8; y < high; y += 45) {
      const words = label(this.times[Math.min(Math.floor((y / high) * this.times.length), this.times.length - 1)]);
      // A minute may be as high as the picture, and a day as high as some lines.
      if (words !== labels.at(-1)?.[1]) labels.push([y, words]);
    }
    drawRows(context, labels);
  }
}
