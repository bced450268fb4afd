// The newest row as a line, with what is normal and from where on it alarms.
import { LEFT, RIGHT, drawRows } from "/static/axes.js";
import { ink, sharp } from "/static/element.js";
import { steps } from "/static/units.js";

/** A bin that is wider is drawn as a step, in CSS pixels. */
const WIDE = 10;
/** So much more than the colours have a chart has at most, to show the threshold. */
const MOST_MORE_DB = 20;

/** Draw levels in dB a bin: `row`, and `reference` and `threshold` where they are known. */
export function drawChart(canvas, range, { row, reference, threshold, usualDb }) {
  const context = sharp(canvas), width = canvas.clientWidth, height = canvas.clientHeight;
  const low = range.lowDb ?? -100, top = range.highDb ?? 0, colours = ink();
  const high = Math.max(top, Math.min((usualDb ?? top) + 3, top + MOST_MORE_DB));
  const y = (db) => 6 + (1 - (db - low) / (high - low)) * (height - 12);
  const labels = steps(low, high, height / 32).values.map((db) => [y(db), String(Math.round(db)).replace("-", "\u2212")]);
  Object.assign(context, { strokeStyle: colours.edge, lineWidth: 1 });
  context.strokeRect(LEFT + 0.5, 0.5, width - LEFT - RIGHT - 1, height - 1);
  context.beginPath();
  for (const [at] of labels) { context.moveTo(LEFT, Math.round(at) + 0.5); context.lineTo(width - RIGHT, Math.round(at) + 0.5); }
  context.stroke();
  drawRows(context, labels.filter(([at]) => at > 7 && at < height - 4));
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT - RIGHT, height);
  context.clip();
  const line = (levels, colour, dash, thick) => {
    if (!levels || levels.length === 0) return;
    const step = (width - LEFT - RIGHT) / levels.length;
    context.beginPath();
    context.setLineDash(dash);
    Object.assign(context, { strokeStyle: colour, lineWidth: thick });
    let isDown = false;
    for (let bin = 0; bin < levels.length; bin += 1) {
      const level = levels[bin], x = LEFT + bin * step;
      if (level === null || !Number.isFinite(level)) { isDown = false; continue; }
      // Few bins are as wide as they are, many are points of a line.
      for (const at of step > WIDE ? [x, x + step] : [x + step / 2]) {
        if (isDown) context.lineTo(at, y(level)); else context.moveTo(at, y(level));
        isDown = true;
      }
    }
    context.stroke();
  };
  line(reference, colours.reference, [6, 4], 1.5);
  line(threshold, colours.threshold, [2, 3], 2);
  line(row, colours.line, [], 1.5);
  context.restore();
  context.setLineDash([]);
  Object.assign(context, { fillStyle: colours.soft, font: colours.font, textBaseline: "bottom", textAlign: "left" });
  context.fillText("dB", 4, height - 2);
}

