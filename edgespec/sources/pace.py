"""Playing at the speed of the clock."""

import time
from threading import Event

__all__ = ["Pacer"]


class Pacer:
    """Makes a reader wait until samples would have come from a radio.

    The clock starts with the first call, so a slow start is not caught up in a burst.
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
        if left_s > 0:
            self._closed.wait(left_s)

    def close(self) -> None:
        """Let a thread that waits go on at once."""
        self._closed.set()
