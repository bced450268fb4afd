// Sentences, written only where they have changed: a screen reader does not repeat what stays.
import { element } from "/static/element.js";

/** Put words, and how bad they are, into an element. */
export function setText(place, words, how = "") {
  const name = `say ${how}`.trim();
  if (place.textContent !== words) place.textContent = words;
  if (place.className !== name) place.className = name;
}

/** Put [how bad, sentence] into a list. */
export function setSentences(list, said) {
  const told = JSON.stringify(said);
  if (list.dataset.told === told) return;
  list.dataset.told = told;
  list.replaceChildren(...said.map(([how, words]) => element("li", { class: `say ${how}`.trim() }, words)));
}
