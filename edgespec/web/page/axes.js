// Axes of what is drawn over frequency: MHz below, and what the rows are at the left.
import { ink } from "/static/element.js";
import { mhz, steps } from "/static/units.js";

/** Room for labels, in CSS pixels; live.css and past.css say the same. */
export const LEFT = 62, RIGHT = 8, BELOW = 24;

/** Return where a frequency lies, in CSS pixels. */
export const xOf = (hz, band, width) => LEFT + ((hz - band.lower_hz) / (band.upper_hz - band.lower_hz)) * (width - LEFT - RIGHT);

/** Draw the axis of frequency at the bottom. */
export function drawFrequencies(context, band, width, height) {
  const { step, values } = steps(band.lower_hz, band.upper_hz, (width - LEFT - RIGHT) / 55);
  Object.assign(context, { fillStyle: ink().soft, strokeStyle: ink().soft, font: ink().font, textBaseline: "top", lineWidth: 1 });
  context.beginPath();
  values.forEach((hz) => {
    const x = Math.round(xOf(hz, band, width)) + 0.5, text = mhz(hz, step), half = context.measureText(text).width / 2;
    context.moveTo(x, height - BELOW);
    context.lineTo(x, height - BELOW + 4);
    context.textAlign = "center";
    if (x - half > LEFT - 20 && x + half < width - 38) context.fillText(text, x, height - BELOW + 6);
  });
  context.stroke();
  context.textAlign = "right";
  context.fillText("MHz", width - 2, height - BELOW + 6);
}

/** Draw a label at the left for each row of `labels`: [y, text]. */
export function drawRows(context, labels) {
  Object.assign(context, { fillStyle: ink().soft, strokeStyle: ink().soft, font: ink().font, textBaseline: "middle", textAlign: "right", lineWidth: 1 });
  context.beginPath();
  for (const [y, text] of labels) {
    context.fillText(text, LEFT - 6, y);
    context.moveTo(LEFT - 4, Math.round(y) + 0.5);
    context.lineTo(LEFT, Math.round(y) + 0.5);
  }
  context.stroke();
}
