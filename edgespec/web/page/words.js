// What the observer's state means, in sentences: each with how bad it is, '' or 'warn' or 'bad'.
import { duration } from "/static/units.js";

/** Return [how bad, sentence] for whatever a person should know of a band now. */
export function sentences(state, band) {
  if (!state) return [["warn", "The observer has not said anything of this band yet."]];
  const said = [];
  const say = (isSo, how, words) => { if (isSo) said.push([how, words]); };
  say(state.alarm, "bad", "An alert is open.");
  say(state.warmup_left_s > 0, "warn", `Warm-up: the observer learns what is normal here, ${duration(state.warmup_left_s)} of signal are left. Nothing is scored until then.`);
  say(state.tuned === false, "warn", "The radio listens to another band now; this one stands still until its turn.");
  say(state.unscored_s > 1, "warn", `Nothing has been scored for ${duration(state.unscored_s)}${state.unscored_reason ? `: ${state.unscored_reason}` : ""}.`);
  say(state.unscored_share > 0.05 && !(state.unscored_s > 1), "warn", `${Math.round(100 * state.unscored_share)}% of the last second could not be scored${state.unscored_reason ? `: ${state.unscored_reason}` : ""}.`);
  for (const trouble of state.troubles ?? []) said.push(["bad", `Trouble with the receiver: ${trouble}.`]);
  say(state.distrust, "warn", `What was learnt here is not trusted: ${state.distrust}.`);
  for (const word of state.board ?? []) said.push(["warn", `The board is held back: ${word}.`]);
  say(state.mqtt_connected === false, "warn", `The broker is not reached: ${state.spool_events} ${state.spool_events === 1 ? "event waits" : "events wait"} on the disk.`);
  say(state.history_problem, "warn", `No history is kept: ${state.history_problem}.`);
  const cell = state.cell;
  if (!(band?.planes ?? []).includes("residual")) {
    say(!cell && !band?.swept, "", "No cell is found here: the residual is what is left of one, so there is power alone.");
  } else say(!cell, "warn", "No cell is heard: there is no residual until one is.");
  return said;
}

/** Return a word for a band's button. */
export function word(state) {
  if (!state) return "silent";
  if (state.alarm) return "alarm";
  if (state.warmup_left_s > 0) return "warm-up";
  if ((state.troubles ?? []).length > 0) return "trouble";
  return state.unscored_s > 1 ? "not scored" : "quiet";
}
