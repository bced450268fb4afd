"""Whether a radio delivers as many samples as its rate promises."""

import math

__all__ = ["RateWatch"]

#: A window with less than this share of its samples has lost some. Crystals differ by .0001.
ENOUGH = 0.9


class RateWatch:
    """Compares samples that arrive with a clock, a window of time after the other.

    ``lag = time * rate - samples`` jumps about, since samples arrive in lots, but on a link that
    keeps up its least value in the second half of each window is always the same. Where that
    rises, so many samples are lost for good; a link that stalls and catches up has lost none.

    Args:
        rate_hz: nominal rate.
        window_s: length of a window, twice the time that the server takes to fill one lot.
    """

    def __init__(self, rate_hz: float, window_s: float) -> None:
        self.rate_hz = rate_hz
        self.window_s = window_s
        self.restart()

    def restart(self) -> None:
        """Begin anew with the next samples, as after a new connection."""
        self.n_slow = 0
        self.n_good = 0
        self._n_samples = 0.0
        self._began_s: float | None = None
        # Since when the least lag is looked for, and what it was in the window before.
        self._least_from_s = self._base_from_s = 0.0
        self._least, self._base = math.inf, 0.0

    def heard(self, n_samples: float, now_s: float) -> int:
        """Take note of samples, and return how many turned out to be lost.

        After the call, ``n_slow`` is the number of slow windows in a row, ``n_good`` that of good
        ones. Time is that of a clock that never steps.
        """
        if self._began_s is None:
            if n_samples:
                # These were under way before; what counts is what follows.
                self._began_s = self._base_from_s = now_s
                self._least_from_s = now_s + 0.5 * self.window_s
            return 0
        self._n_samples += n_samples
        if now_s < self._least_from_s:
            return 0
        lag = (now_s - self._began_s) * self.rate_hz - self._n_samples
        self._least = min(self._least, lag)
        if now_s < self._least_from_s + 0.5 * self.window_s:
            return 0
        return self._end_window(now_s)

    def _end_window(self, now_s: float) -> int:
        rise = self._least - self._base
        allowed = (1.0 - ENOUGH) * self.rate_hz * (self._least_from_s - self._base_from_s)
        self._base, self._base_from_s = self._least, self._least_from_s
        self._least, self._least_from_s = math.inf, now_s + 0.5 * self.window_s
        if rise <= allowed:
            self.n_slow, self.n_good = 0, self.n_good + 1
            return 0
        self.n_slow, self.n_good = self.n_slow + 1, 0
        return round(rise)
