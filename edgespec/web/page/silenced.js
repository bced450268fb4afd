// What is muted and what is normal here, of all bands, each with what takes it back.
import { get } from "/static/api.js";
import { byId, element } from "/static/element.js";
import { localDay, mhz, seconds, width } from "/static/units.js";

const hasEdge = (hz) => Number.isFinite(hz);

function where(lower, upper) {
  if (hasEdge(lower) && hasEdge(upper)) return `${width(upper - lower)} at ${mhz((lower + upper) / 2)} MHz`;
  if (hasEdge(lower)) return `from ${mhz(lower)} MHz`;
  return hasEdge(upper) ? `up to ${mhz(upper)} MHz` : "any frequency";
}

export class Silenced {
  constructor() { Object.assign(this, { undo: null, told: "" }); }

  /** Ask what there is, and show it. */
  async open() {
    const { data } = await get("/api/silenced");
    const all = [...data.mutes.map((one) => ["Muted", [one.kind ?? "any kind"], one]), ...data.normals.map((one) => ["Normal", one.kinds, one])];
    const told = JSON.stringify([all, this.undo !== null]);
    if (told === this.told) return;
    this.told = told;
    byId("silenced").hidden = all.length === 0;
    byId("silenced-title").textContent = `Muted or normal here: ${all.length}`;
    byId("silenced-list").replaceChildren(...all.map((one) => this.#line(...one)));
  }

  #line(what, kinds, one) {
    const words = `${kinds.join(" or ")}, ${where(one["core:freq_lower_edge"], one["core:freq_upper_edge"])}`;
    return element("li", { class: "silenced", "data-id": one.id },
      element("span", {}, element("strong", {}, what), ` ${words}, ${one.band ?? "every band"}, ${one.until ? `until ${localDay(seconds(one.until))}` : "for ever"}`),
      this.undo && element("button", { type: "button", "data-act": "undo", "aria-label": `Undo: ${what} ${words}`, onclick: () => this.undo(one.id) }, "Undo"));
  }
}
