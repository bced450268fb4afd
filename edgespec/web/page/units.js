// Numbers for people: frequencies, durations, times of this place.

/** Return a frequency in MHz, exact to a kHz or what `stepHz` asks for. */
export function mhz(hz, stepHz = 1000) {
  const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(stepHz) - 1e-9)));
  return (hz / 1e6).toFixed(digits);
}

/** Return a width in the unit in which it is short. */
export function width(hz) {
  if (hz >= 1e6) return `${+(hz / 1e6).toPrecision(3)} MHz`;
  return hz >= 1e3 ? `${+(hz / 1e3).toPrecision(3)} kHz` : `${Math.round(hz)} Hz`;
}

/** Return how long something lasts. */
export function duration(seconds) {
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= length) return `${+(seconds / length).toPrecision(3)} ${unit}`;
  }
  return seconds >= 1 ? `${+seconds.toPrecision(2)} s` : `${+(seconds * 1e3).toPrecision(2)} ms`;
}

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const date = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
const day = new Intl.DateTimeFormat([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** Return a time of this place, of seconds since 1970: `12:03:59`. */
export const localTime = (seconds) => clock.format(seconds * 1e3);
/** The same without seconds: `12:03`. */
export const localMinute = (seconds) => minute.format(seconds * 1e3);
/** The day alone. */
export const localDate = (seconds) => date.format(seconds * 1e3);
/** The same with its day. */
export const localDay = (seconds) => day.format(seconds * 1e3);
/** Return seconds since 1970 of an RFC 3339 time, or of seconds. */
export const seconds = (time) => (typeof time === "number" ? time : Date.parse(time) / 1e3);
/** Return a level in dB, without a minus before nothing. */
export const db = (level, unit = "dB") => (Number.isFinite(level) ? `${level.toFixed(1).replace("-", "\u2212")} ${unit}` : "unknown");

/** Return values from `low` to `high` at a step of 1, 2 or 5 times a power of ten, at most `most`. */
export function steps(low, high, most) {
  const least = (high - low) / Math.max(most, 1), power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= least * 0.999);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) found.push(n * step);
  return { step, values: found };
}
