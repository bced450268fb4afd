"""Playing at the speed of the clock."""

import time
from threading import Event

__all__ = ["MOST_LATE_S", "Pacer"]

#: So much is caught up as fast as it goes after a pause, as a radio's driver keeps it. What a
#: longer pause took is not: a burst of minutes at several times the rate is no radio's.
MOST_LATE_S = 1.0


class Pacer:
    """Makes a reader wait until samples would have come from a radio.

    The clock starts with the first call, so a slow start is not caught up in a burst; nor is a
    pause of more than :data:`MOST_LATE_S`, such as that of a process that was stopped.
    """

    def __init__(self, sample_rate_hz: float) -> None:
        self._rate_hz = sample_rate_hz
        self._start_s: float | None = None
        self._closed = Event()

    def wait(self, n_new: int, n_total: int) -> None:
        """Return when ``n_total`` samples are due, the last ``n_new`` of them about to be given."""
        now_s = time.monotonic()
        if self._start_s is None:
            self._start_s = now_s - (n_total - n_new) / self._rate_hz
        left_s = self._start_s + n_total / self._rate_hz - now_s
        if left_s < -MOST_LATE_S:
            self._start_s -= left_s + MOST_LATE_S
        if left_s > 0:
            self._closed.wait(left_s)

    def close(self) -> None:
        """Let a thread that waits go on at once."""
        self._closed.set()
