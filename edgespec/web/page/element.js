// An element with its attributes and children: text goes in as text, never as markup.

/** Return a new element; `on...` attributes are listeners, null ones and null children are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Return the element with an id. */
export const byId = (id) => document.getElementById(id);

/** Give a canvas as many pixels as the screen has for it, and return its context in CSS pixels. */
export function sharp(canvas) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return context;
}

let inks = null;
window.addEventListener("themechange", () => { inks = null; });

/** Return the theme's colours for a canvas. */
export function ink() {
  if (inks === null) {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    inks = Object.fromEntries(["ink", "soft", "edge", "card", "line", "reference", "threshold", "alarm"].map((name) => [name, of(name)]));
    inks.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  }
  return inks;
}

/** Write text on a canvas, on a rim of the card's colour so that it can be read over lines. */
export function label(context, text, x, y, colours, align = "center") {
  Object.assign(context, { textAlign: align, textBaseline: "middle", strokeStyle: colours.card, lineWidth: 4, fillStyle: colours.ink });
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}
