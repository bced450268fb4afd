// A site as a map: walls, transmitters, units with what each hears, and the source with how exactly it is known.
import { ink, label as write, sharp } from "/static/element.js";
import { steps } from "/static/units.js";

const LEFT = 44, BELOW = 34, RIM = 14, MOST_HIGH = 0.65;
/** On a map that is narrower only what is wrong has its name; the table below has all. */
const NARROW = 520;
/** From less to more than expected: blue over white to orange, which colour-blind people tell apart. */
const LESS = [0x2b, 0x6c, 0xb8], EVEN = [0xff, 0xff, 0xff], MORE = [0xd9, 0x5f, 0x02], REACH_DB = 12;

function colour(db) {
  const at = Math.max(-1, Math.min(db / REACH_DB, 1)), end = at < 0 ? LESS : MORE;
  return `rgb(${EVEN.map((even, part) => Math.round(even + (end[part] - even) * Math.abs(at))).join(" ")})`;
}

/** Draw a site, and the units and the source of a verdict where there is one. */
export function drawMap(canvas, site, units, source) {
  const [width, depth] = site.size_m, room = canvas.clientWidth - LEFT - RIM;
  canvas.style.height = `${Math.round(Math.max(180, Math.min((room * depth) / width, MOST_HIGH * innerHeight)) + BELOW + RIM)}px`;
  const context = sharp(canvas), wide = canvas.clientWidth, high = canvas.clientHeight, colours = ink();
  const scale = Math.min((wide - LEFT - RIM) / width, (high - BELOW - RIM) / depth);
  const left = LEFT + Math.max((wide - LEFT - RIM - width * scale) / 2, 0);
  const x = (m) => left + m * scale, y = (m) => high - BELOW - m * scale;
  const label = (text, at, down, align) => write(context, text, at, down, colours, align);
  Object.assign(context, { font: colours.font, lineWidth: 1, strokeStyle: colours.soft, lineJoin: "round" });
  context.strokeRect(x(0), y(depth), width * scale, depth * scale);
  for (const value of steps(0, width, (width * scale) / 60).values) label(String(+value.toFixed(3)), x(value), high - BELOW + 12);
  for (const value of steps(0, depth, (depth * scale) / 45).values) label(String(+value.toFixed(3)), x(0) - 6, y(value), "right");
  label("x, y in m", x(width), high - 8, "right");
  for (const { lower_m: lower, upper_m: upper } of site.walls) {
    Object.assign(context, { fillStyle: colours.edge, strokeStyle: colours.soft, lineWidth: 1 });
    const box = [x(lower[0]), y(upper[1]), Math.max((upper[0] - lower[0]) * scale, 2), Math.max((upper[1] - lower[1]) * scale, 2)];
    context.fillRect(...box);
    context.strokeRect(...box);
  }
  if (source) {
    for (const times of [2, 1]) {
      context.beginPath();
      context.arc(x(source.x_m), y(source.y_m), Math.max(times * source.sigma_m * scale, 4), 0, 2 * Math.PI);
      Object.assign(context, { strokeStyle: colours.alarm, fillStyle: colours.alarm, lineWidth: 2, globalAlpha: 0.12 });
      context.fill();
      context.globalAlpha = 1;
      context.stroke();
    }
  }
  for (const one of site.transmitters) {
    const [at, down] = [x(one.x_m), y(one.y_m)];
    context.beginPath();
    context.moveTo(at, down - 8);
    context.lineTo(at + 8, down + 6);
    context.lineTo(at - 8, down + 6);
    context.closePath();
    Object.assign(context, { fillStyle: one.isSilent ? colours.card : colours.line, strokeStyle: colours.ink, lineWidth: 1.5 });
    context.fill();
    context.stroke();
    if (wide >= NARROW || one.isSilent) label(one.isSilent ? `${one.id}, silent` : one.id, at, down + 16);
  }
  for (const unit of units) drawUnit(context, unit, x(unit.x_m), y(unit.y_m), colours, label, wide < NARROW);
  if (source) drawStar(context, x(source.x_m), y(source.y_m), colours);
}

function drawUnit(context, unit, at, down, colours, label, isNarrow) {
  context.beginPath();
  context.arc(at, down, 8, 0, 2 * Math.PI);
  Object.assign(context, { fillStyle: unit.difference === null ? colours.edge : colour(unit.difference), strokeStyle: colours.ink, lineWidth: 1.5 });
  context.fill();
  context.stroke();
  if (unit.isSaturated) {
    context.beginPath();
    context.arc(at, down, 12, 0, 2 * Math.PI);
    Object.assign(context, { strokeStyle: colours.alarm, lineWidth: 2.5 });
    context.stroke();
  }
  if (unit.distrust) {
    context.beginPath();
    for (const slope of [-1, 1]) { context.moveTo(at - 9, down - 9 * slope); context.lineTo(at + 9, down + 9 * slope); }
    Object.assign(context, { strokeStyle: "#000", lineWidth: 2.5 });
    context.stroke();
  }
  const heard = unit.isMissing ? "silent" : unit.difference === null ? "" : `${unit.difference > 0 ? "+" : ""}${unit.difference.toFixed(0)}`.replace("-", "\u2212");
  label(heard, at, down - 18);
  if (!isNarrow || unit.isMissing || unit.isSaturated || unit.distrust) label(unit.node, at, down + 18);
}

function drawStar(context, at, down, colours) {
  context.beginPath();
  for (let point = 0; point < 10; point += 1) {
    const far = point % 2 ? 5 : 12, angle = (Math.PI * point) / 5 - Math.PI / 2;
    context.lineTo(at + far * Math.cos(angle), down + far * Math.sin(angle));
  }
  context.closePath();
  Object.assign(context, { fillStyle: colours.alarm, strokeStyle: colours.ink, lineWidth: 1.5 });
  context.fill();
  context.stroke();
}
