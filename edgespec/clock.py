"""How good UTC is here: durations never rely on it, it is only written down beside its quality."""

import ctypes
import time
from collections.abc import Callable
from enum import StrEnum

__all__ = ["ClockQuality", "UtcWatch", "kernel_synchronised"]

_NS = 1_000_000_000
#: A clock that is corrected smoothly runs at most 500 ppm off; what jumps by more was set.
STEP_NS = 100_000_000
SLEW = 1e-3
#: After so long without a step, the clock is as good as the kernel says again.
FORGET_NS = 60 * _NS
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


class ClockQuality(StrEnum):
    """What is known of UTC: ``recorded`` is the word of a recording, nobody's clock."""

    SYNCHRONISED = "synchronised"
    UNSYNCHRONISED = "unsynchronised"
    STEPPED = "stepped"
    RECORDED = "recorded"


def kernel_synchronised() -> bool:
    """Return whether the kernel believes that something (NTP, PTP, GPS) disciplines its clock."""
    try:
        # struct timex is at most 208 bytes; modes 0 only asks.
        status = ctypes.CDLL(None, use_errno=True).ntp_adjtime(ctypes.create_string_buffer(512))
    except (AttributeError, OSError):
        return False
    return 0 <= int(status) < _TIME_ERROR


class UtcWatch:
    """Compares how far UTC and the monotonic clock advance: where they differ, UTC was set.

    Args:
        utc_ns: UTC in nanoseconds.
        monotonic_ns: the clock that nobody sets.
        synchronised: whether UTC is disciplined now.
    """

    def __init__(
        self,
        utc_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        synchronised: Callable[[], bool] = kernel_synchronised,
    ) -> None:
        self._utc_ns, self._monotonic_ns = utc_ns, monotonic_ns
        self._synchronised = synchronised
        self._last = (utc_ns(), monotonic_ns())
        self._stepped_ns: int | None = None
        self.n_steps = 0

    def quality(self) -> ClockQuality:
        """Return how good UTC is now; ``stepped`` for a minute after a step was seen."""
        utc_ns, monotonic_ns = self._utc_ns(), self._monotonic_ns()
        advance_ns = monotonic_ns - self._last[1]
        if abs(utc_ns - self._last[0] - advance_ns) > STEP_NS + SLEW * advance_ns:
            self._stepped_ns = monotonic_ns
            self.n_steps += 1
        self._last = (utc_ns, monotonic_ns)
        if self._stepped_ns is not None and monotonic_ns - self._stepped_ns < FORGET_NS:
            return ClockQuality.STEPPED
        if self._synchronised():
            return ClockQuality.SYNCHRONISED
        return ClockQuality.UNSYNCHRONISED
