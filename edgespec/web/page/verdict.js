// What a verdict of the central unit means: for each unit, for each transmitter, and in sentences.
import { db, mhz, width } from "/static/units.js";

/** Return the units of a site with what a verdict says of each; without one, their places alone. */
export function unitsOf(site, verdict) {
  return site.units.map((unit) => {
    const at = verdict ? verdict.nodes.indexOf(unit.node) : -1;
    if (at < 0) return { ...unit, heard: null, expected: null, difference: null, isMissing: false, isSaturated: false, distrust: "" };
    return {
      ...unit, heard: verdict.heard[at], expected: verdict.expected[at], difference: verdict.difference[at],
      isMissing: verdict.units_missing.includes(unit.node), isSaturated: verdict.units_saturated.includes(unit.node),
      distrust: verdict.units_implausible[unit.node] ?? "",
    };
  });
}

/** Return a site with its transmitters that are silent marked. */
export const withSilent = (site, verdict) => ({ ...site, transmitters: site.transmitters.map((one) => ({ ...one, isSilent: (verdict?.transmitters_silent ?? []).includes(one.id) })) });

/** Return what is said of a unit. */
export function unitState(unit) {
  if (unit.isMissing) return "silent";
  if (unit.distrust) return `not believed: ${unit.distrust}`;
  return unit.isSaturated ? "saturated" : unit.heard === null ? "not heard yet" : "heard";
}

/** Return where a source is, in words. */
export function place({ source, power_dbm: power, "core:freq_lower_edge": lower, "core:freq_upper_edge": upper }) {
  const parts = [];
  if (source) parts.push(`near x ${source.x_m.toFixed(1)}, y ${source.y_m.toFixed(1)} m, \u00b1 ${source.sigma_m.toFixed(1)} m`);
  if (Number.isFinite(power)) parts.push(`about ${db(power, "dBm")}`);
  if (Number.isFinite(lower) && Number.isFinite(upper)) parts.push(`${width(upper - lower)} at ${mhz((lower + upper) / 2)} MHz`);
  return parts.join(", ");
}

/** Return [how bad, sentence] for what a person should know of a site now. */
export function siteSentences(verdict) {
  if (!verdict) return [["warn", "No unit has reported yet: there is nothing to say of this site."]];
  const said = [], list = (names) => names.join(", ");
  if (verdict.alarm) {
    said.push(["bad", `Alarm: ${verdict.kind || "unknown"} source ${place(verdict)}.`]);
    if (verdict.advice) said.push(["bad", `What to do: ${verdict.advice}.`]);
  } else if (verdict.status === "learning") said.push(["warn", `Learning what is always wrong with each unit: ${verdict.n_to_learn} snapshots are left, and none alarms until then.`]);
  else if (verdict.status === "too-few-units") said.push(["bad", `Too few units report (${verdict.n_units} of ${verdict.nodes.length}): nothing can be said.`]);
  else said.push(["", `Quiet: ${verdict.n_units} of ${verdict.nodes.length} units hear what is expected.`]);
  if (verdict.units_missing.length) said.push(["warn", `Silent: ${list(verdict.units_missing)}.`]);
  for (const [node, why] of Object.entries(verdict.units_implausible)) said.push(["warn", `${node} is not believed: ${why}.`]);
  if (verdict.transmitters_silent.length) said.push(["warn", `Should be on the air and are not: ${list(verdict.transmitters_silent)}.`]);
  for (const note of verdict.notes ?? []) said.push(["warn", note]);
  return said;
}
