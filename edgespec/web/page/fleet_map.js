// Observers where they stand: latitude and longitude, as wide as the middle of what is shown makes them.
import { ink, label, sharp } from "/static/element.js";
import { steps } from "/static/units.js";

const LEFT = 56, BELOW = 30, RIM = 16, MOST_HIGH = 0.6, KM = 111.32, REACH = 14;
/** With more, names would cover the map. */
const MOST_NAMES = 40, LEAST_DEG = 0.002;

/** Return where degrees are on a canvas, or null where nobody has a place. */
function frame(placed, wide) {
  if (!placed.length) return null;
  const of = (name) => placed.map((one) => one[name]);
  const [south, north] = [Math.min(...of("latitude_deg")), Math.max(...of("latitude_deg"))];
  const [west, east] = [Math.min(...of("longitude_deg")), Math.max(...of("longitude_deg"))];
  const squeeze = Math.max(Math.cos((((south + north) / 2) * Math.PI) / 180), 0.01);
  const high = Math.max(north - south, LEAST_DEG) * 1.12, broad = Math.max(east - west, LEAST_DEG / squeeze) * 1.12;
  const room = wide - LEFT - RIM, tall = Math.max(200, Math.min((room * high) / (broad * squeeze), MOST_HIGH * innerHeight));
  const scale = Math.min(room / (broad * squeeze), tall / high), middle = [(west + east) / 2, (south + north) / 2];
  const centre = [LEFT + room / 2, RIM + tall / 2];
  return {
    tall: tall + RIM + BELOW, scale, room, broad: room / scale / squeeze, high: tall / scale, middle,
    x: (degrees) => centre[0] + (degrees - middle[0]) * squeeze * scale,
    y: (degrees) => centre[1] - (degrees - middle[1]) * scale,
  };
}

export class FleetMap {
  /** `chosen` is told which observer was clicked at, or null. */
  constructor(canvas, chosen) {
    Object.assign(this, { canvas, spots: [] });
    canvas.addEventListener("click", ({ offsetX, offsetY }) => {
      const far = (spot) => Math.hypot(spot.x - offsetX, spot.y - offsetY);
      const near = this.spots.filter((spot) => far(spot) < REACH).sort((a, b) => far(a) - far(b));
      chosen(near[0]?.one ?? null);
    });
  }

  /** Draw observers, each with its `mood`: "", "alarm", "silent" or "more". */
  draw(observers, picked) {
    const placed = observers.filter((one) => one.latitude_deg !== null), { canvas } = this, wide = canvas.clientWidth;
    const at = frame(placed, wide);
    canvas.hidden = at === null;
    this.spots = [];
    if (at === null) return;
    canvas.style.height = `${Math.round(at.tall)}px`;
    const context = sharp(canvas), colours = ink(), high = canvas.clientHeight;
    Object.assign(context, { font: colours.font, lineJoin: "round" });
    this.#grid(context, at, wide, high, colours);
    // What is wrong lies on top of what is not.
    const order = ["", "more", "silent", "alarm"];
    for (const one of [...placed].sort((a, b) => order.indexOf(a.mood) - order.indexOf(b.mood))) {
      const spot = { one, x: at.x(one.longitude_deg), y: at.y(one.latitude_deg) };
      this.spots.push(spot);
      mark(context, spot, colours, one === picked);
    }
    const named = this.spots.filter(({ one }) => placed.length <= MOST_NAMES || one === picked || (one.mood && observers.length <= 400));
    // What lies on top has its name first; one that would cover another's is left out, and the table below has it.
    const taken = [];
    for (const { one, x, y } of named.reverse()) {
      const half = context.measureText(one.node).width / 2 + 3;
      if (one !== picked && taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 15)) continue;
      taken.push({ x, y, half });
      label(context, one.node, x, y + 16, colours);
    }
  }

  #grid(context, at, wide, high, colours) {
    Object.assign(context, { strokeStyle: colours.edge, lineWidth: 1 });
    const [right, bottom] = [wide - RIM, high - BELOW];
    const lines = (middle, span, most) => steps(middle - span / 2, middle + span / 2, most);
    const across = lines(at.middle[0], at.broad, (right - LEFT) / 90), down = lines(at.middle[1], at.high, (bottom - RIM) / 60);
    const degrees = (value, step) => `${value.toFixed(Math.max(0, Math.ceil(-Math.log10(step))))}°`.replace("-", "−");
    context.beginPath();
    for (const value of across.values) { context.moveTo(at.x(value), RIM); context.lineTo(at.x(value), bottom); }
    for (const value of down.values) { context.moveTo(LEFT, at.y(value)); context.lineTo(right, at.y(value)); }
    context.stroke();
    for (const value of across.values) label(context, degrees(value, across.step), at.x(value), bottom + 12, colours);
    for (const value of down.values) label(context, degrees(value, down.step), LEFT - 6, at.y(value), colours, "right");
    // How long a kilometre, or ten of them, are.
    const length = steps(0, (0.3 * at.room * KM) / at.scale, 1).step, pixels = (length / KM) * at.scale;
    context.beginPath();
    context.moveTo(right - pixels, bottom - 8);
    context.lineTo(right, bottom - 8);
    Object.assign(context, { strokeStyle: colours.ink, lineWidth: 3 });
    context.stroke();
    label(context, length >= 1 ? `${+length.toPrecision(3)} km` : `${+(length * 1e3).toPrecision(3)} m`, right - pixels / 2, bottom - 18, colours);
  }
}

function mark(context, { one, x, y }, colours, isPicked) {
  Object.assign(context, { strokeStyle: colours.ink, lineWidth: 1, fillStyle: one.mood === "alarm" ? colours.alarm : one.mood === "silent" ? colours.card : colours.line });
  context.beginPath();
  if (one.mood === "alarm") {
    for (let point = 0; point < 10; point += 1) {
      const far = point % 2 ? 4 : 10, angle = (Math.PI * point) / 5 - Math.PI / 2;
      context.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
    }
  } else if (one.mood === "more") context.rect(x - 6, y - 6, 12, 12);
  else context.arc(x, y, 5.5, 0, 2 * Math.PI);
  context.closePath();
  context.fill();
  context.stroke();
  if (one.mood === "silent") {
    context.beginPath();
    for (const slope of [-1, 1]) { context.moveTo(x - 7, y - 7 * slope); context.lineTo(x + 7, y + 7 * slope); }
    context.lineWidth = 2;
    context.stroke();
  }
  if (isPicked) {
    context.beginPath();
    context.arc(x, y, 13, 0, 2 * Math.PI);
    Object.assign(context, { strokeStyle: colours.ink, lineWidth: 2 });
    context.stroke();
  }
}
