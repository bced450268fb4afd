"""Whether a radio delivers as many samples as its rate promises, no fewer and no more."""

import math

__all__ = ["BUFFER_SAMPLES", "RateWatch"]

#: A window with less than this share of its samples has lost some. Crystals differ by .0001.
ENOUGH = 0.9
#: Samples that may wait on their way and come in one lot: the 500 buffers of 262144 bytes in which
#: rtl_tcp keeps what its client has not fetched (its option -n), and the sockets' own.
BUFFER_SAMPLES = 131_072
MOST_QUEUED = 500 * BUFFER_SAMPLES + 4_000_000


class RateWatch:
    """Compares samples that arrive with a clock, a window of time after the other.

    ``lag = time * rate - samples`` jumps about, since samples arrive in lots, but on a link that
    keeps up its least value in the second half of each window is always the same. Where that
    rises, so many samples are lost for good; a link that stalls and catches up has lost none.

    No radio sends what it has not sampled yet: however samples come, the lag never falls below its
    least value since the connection began. Where it is below by a window's samples (what was under
    way already), they are not those of a radio of this rate. A burst after a stall only brings the
    lag back down. Two things move that least value: a crystal that is fast, by what ``ENOUGH``
    leaves, and what no buffer can still hold (``MOST_QUEUED``), since that will never come.

    Where a radio says that it lost samples, and not how many, what the least value rises by until
    the window after is taken for them, however little it is.

    Args:
        rate_hz: nominal rate.
        window_s: length of a window, twice the time that the server takes to fill one lot.
    """

    def __init__(self, rate_hz: float, window_s: float) -> None:
        self.rate_hz = rate_hz
        self.window_s = window_s
        self.restart()

    def restart(self, now_s: float | None = None) -> None:
        """Begin anew with the next samples, as after a new connection.

        What was sampled since ``now_s`` may come in one lot; None: nothing was.
        """
        self.n_slow = 0
        self.n_good = 0
        self.is_fast = False
        self._n_loss_windows = 0
        self._n_samples = 0.0
        self._since_s = now_s
        self._began_s: float | None = None
        # Since when the least lag is looked for, and what it was in the window before.
        self._least_from_s = self._base_from_s = 0.0
        self._least, self._base = math.inf, 0.0
        # The least lag that a radio can have come to.
        self._floor = 0.0

    def expect_loss(self) -> None:
        """Take note that samples are lost, and nobody knows how many."""
        self._n_loss_windows = 2

    def heard(self, n_samples: float, now_s: float) -> int:
        """Take note of samples, and return how many turned out to be lost.

        After the call, ``n_slow`` is the number of slow windows in a row, ``n_good`` that of good
        ones, and ``is_fast`` says whether since the restart more came than any radio can have
        sampled. Time is that of a clock that never steps.
        """
        if self._began_s is None:
            if n_samples:
                # These were under way before; what counts is what follows.
                self._began_s = self._base_from_s = now_s
                self._least_from_s = now_s + 0.5 * self.window_s
                if self._since_s is not None:
                    waited = (now_s - self._since_s) * self.rate_hz
                    self._floor = -min(waited, float(MOST_QUEUED))
            return 0
        self._n_samples += n_samples
        lag = (now_s - self._began_s) * self.rate_hz - self._n_samples
        self.is_fast = self.is_fast or lag < self._floor - self.rate_hz * self.window_s
        if now_s < self._least_from_s:
            return 0
        self._least = min(self._least, lag)
        if now_s < self._least_from_s + 0.5 * self.window_s:
            return 0
        return self._end_window(now_s)

    def _end_window(self, now_s: float) -> int:
        least, rise = self._least, self._least - self._base
        allowed = (1.0 - ENOUGH) * self.rate_hz * (self._least_from_s - self._base_from_s)
        is_ahead = least < self._floor - allowed
        # It may be lower than before by what is allowed, and at most so much below what is heard.
        self._floor = max(min(self._floor, max(least, self._floor - allowed)), least - MOST_QUEUED)
        self._base, self._base_from_s = least, self._least_from_s
        self._least, self._least_from_s = math.inf, now_s + 0.5 * self.window_s
        if is_ahead or rise > allowed:
            self.n_slow, self.n_good = 0 if is_ahead else self.n_slow + 1, 0
            return 0 if is_ahead else round(rise)
        self.n_slow, self.n_good = 0, self.n_good + 1
        self._n_loss_windows, is_loss = max(0, self._n_loss_windows - 1), self._n_loss_windows > 0
        return max(0, round(rise)) if is_loss else 0
