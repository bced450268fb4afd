// Paints lines without a graphics card: what is there moves down, what is new is put above it.
import { RAMP, UNHEARD } from "/static/colours.js";

export class Painter2d {
  constructor(canvas, lines) {
    Object.assign(canvas, { width: lines.ring.nBins, height: lines.n });
    this.context = canvas.getContext("2d", { alpha: false });
    this.lines = lines;
    this.strip = this.context.createImageData(lines.ring.nBins, 1);
    this.strip.data.fill(255);
    Object.assign(this, { drawn: null, low: NaN, span: NaN });
  }

  /** Draw, with the lines from `changed` on anew, values from `low` over a span of `span`. */
  paint(changed, low, span) {
    const { context, lines } = this, { width, height } = context.canvas, last = lines.line;
    let from = changed;
    if (low !== this.low || span !== this.span || this.drawn === null) from = last - lines.n + 1;
    else if (last > this.drawn && last - this.drawn < height) {
      const down = last - this.drawn;
      context.drawImage(context.canvas, 0, 0, width, height - down, 0, down, width, height - down);
    }
    for (let line = Math.max(from, last - lines.n + 1); line <= last; line += 1) this.#put(line, last, low, span);
    Object.assign(this, { drawn: last, low, span });
  }

  #put(line, last, low, span) {
    const { lines, strip } = this, n = lines.ring.nBins, from = (((line % lines.n) + lines.n) % lines.n) * n;
    for (let bin = 0; bin < n; bin += 1) {
      const value = lines.bytes[from + bin];
      const shade = 4 * Math.round(Math.max(0, Math.min((value - low) / span, 1)) * 255);
      for (let part = 0; part < 3; part += 1) strip.data[4 * bin + part] = value === 0 ? UNHEARD[part] : RAMP[shade + part];
    }
    this.context.putImageData(strip, 0, last - line);
  }

  /** Nothing is held. */
  close() { this.drawn = null; }
}
