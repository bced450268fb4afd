"""Which number a sweep has: sweeps are counted by their times, those that are missing as well."""

import numpy as np

__all__ = ["SweepCount", "usual_interval_s"]

#: More than any gap may be: a clock that jumps by years says nothing of what is missing.
_LONGEST_GAP_S = 30 * 86_400.0


def usual_interval_s(times_s: list[float]) -> float | None:
    """Return the usual time from one sweep to the next; None where nobody can say.

    Where times are whole seconds, the mean of some steps is surer than their median.
    """
    steps_s = np.diff(np.asarray(times_s, np.float64))
    steps_s = steps_s[steps_s >= 0.0]
    if not len(steps_s) or steps_s.max() <= 0.0:
        return None
    usual_s = float(np.median(steps_s))
    near = steps_s[np.abs(steps_s - usual_s) <= max(0.5 * usual_s, 1.0)]
    return float(near.mean()) if near.max() > 0.0 else float(steps_s[steps_s > 0.0].mean())


class SweepCount:
    """Counts sweeps on a clock of their own, which goes on whatever the one on the wall does.

    A sweep is the next one, unless it comes so late that others are missing: by more than half of
    the interval, and by what times are rounded to. Some with one time, or times that go back, are
    sweeps one after the other; the next one may come later by as many as had the time of another.

    Args:
        interval_s: usual time from one sweep to the next.
        resolution_s: what the times are rounded to.
    """

    def __init__(self, interval_s: float, resolution_s: float) -> None:
        self._interval_s = interval_s
        self._slack_s = 0.5 * interval_s + resolution_s
        self._last_s: float | None = None
        self._number = -1
        self._n_same = 0

    def take(self, utc_s: float) -> tuple[int, int]:
        """Return the number of the next sweep, and how many are missing before it."""
        last_s, self._last_s = self._last_s, utc_s
        n_missing = 0
        if last_s is not None:
            late_s = min(utc_s - last_s, _LONGEST_GAP_S) - (1 + self._n_same) * self._interval_s
            if late_s > self._slack_s:
                n_missing = round(late_s / self._interval_s)
        self._n_same = self._n_same + 1 if utc_s == last_s else 0
        self._number += 1 + n_missing
        return self._number, n_missing
