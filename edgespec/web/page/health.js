// How the observer is: its figures, each with its name.
import { byId, element } from "/static/element.js";
import { db, duration, localDay, mhz, seconds } from "/static/units.js";

const percent = (share) => `${Math.round(1000 * share) / 10}%`;

function figures(state, node) {
  const promise = state.promise, cell = state.cell;
  const level = (name) => (Number.isFinite(state[`${name}_dbm`]) ? db(state[`${name}_dbm`], "dBm") : db(state[`${name}_dbfs`], "dBFS"));
  const day = Math.min(state.uptime_s, 86400);
  return [
    ["Level", level("level")],
    ["Noise floor", level("noise_floor")],
    ["Centre", `${mhz(state.center_freq_hz)} MHz`],
    ["Samples lost", `${state.n_dropped.toLocaleString()} of ${state.n_samples.toLocaleString()}`],
    ["Scored in the last second", percent(1 - state.unscored_share)],
    ["Not scored since the start", Object.entries(state.n_skipped).filter(([, n]) => n > 0).map(([why, n]) => `${why} ${n.toLocaleString()}`).join(", ") || "none"],
    ["Time from sample to decision", Number.isFinite(state.latency_ms?.p50) ? `${duration(state.latency_ms.p50 / 1e3)}, of 99% at most ${duration(state.latency_ms.p99 / 1e3)}` : "not known yet"],
    ["Fit for", `${(+state.speed).toPrecision(3)} times real time`],
    ["False events a day, promised", promise ? `${+promise.false_events_per_day.toPrecision(2)} (${+promise.low.toPrecision(2)} to ${+promise.high.toPrecision(2)}), of ${duration(promise.signal_s)} of signal` : "not calibrated: edgespec calibrate promises a number"],
    ["Events of all kinds, last day", `${state.events_last_day}${day < 86400 ? ` (up for ${duration(day)})` : ""}`],
    ["Thresholds raised by itself", Object.entries(state.raised ?? {}).map(([name, times]) => `${name} ${times} times`).join(", ") || "none"],
    ["Cell", cell ? `${(cell.technology || "lte").toUpperCase()} ${cell.identity ?? "without identity"}, ${cell.state}, SNR ${db(cell.snr_db)}` : "none"],
    ["Model", state.model_sha256 ? state.model_sha256.slice(0, 12) : "none: detectors without a model watch"],
    ["Temperature", Number.isFinite(state.temperature_c) ? `${state.temperature_c.toFixed(0)} \u00b0C` : "not told by this machine"],
    ["Board", (state.board ?? []).join(", ") || "nothing holds it back"],
    ["Broker", state.mqtt_connected === null ? "none is configured" : state.mqtt_connected ? "connected" : `not reached, ${state.spool_events} events wait`],
    ["Last self-test heard", state.last_test ? localDay(seconds(state.last_test)) : "not yet"],
    ["Up", duration(state.uptime_s)],
    ["Version", [node?.version, node?.board].filter(Boolean).join(", ") || "unknown"],
  ];
}

/** Show a band's state. */
export function showHealth(state, node) {
  const rows = state ? figures(state, node) : [["State", "nothing said yet"]];
  const list = byId("figures");
  if (list.children.length !== rows.length) list.replaceChildren(...rows.map(() => element("div", {}, element("dt"), element("dd"))));
  rows.forEach(([name, value], at) => {
    const [term, told] = list.children[at].children;
    if (term.textContent !== name) term.textContent = name;
    if (told.textContent !== value) told.textContent = value;
  });
}
