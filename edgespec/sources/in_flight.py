"""How many samples of a radio have been taken, as opposed to read: the rest is on its way."""

import math

__all__ = ["InFlight"]

#: No crystal is off by more: so fast a radio may fall behind what its rate promises.
_CRYSTAL = 1e-4


class InFlight:
    """Knows which sample a radio takes at some time, however many wait in buffers before it.

    ``lead = samples read - time * rate`` is greatest where nothing waits. Its greatest value so
    far, less what a slow crystal falls behind since, says how many samples have been taken at any
    time. What always waits is part of it, and for whoever uses it to allow for.

    Args:
        rate_hz: nominal rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self.restart()

    def restart(self) -> None:
        """Forget the connection: numbers of samples behind it are another's."""
        self._lead, self._known_s = -math.inf, 0.0

    def read(self, next_sample: int, now_s: float) -> None:
        """Take note that all samples before a number have been read."""
        lead = next_sample - now_s * self._rate_hz
        self._lead, self._known_s = max(lead, self._lead_at(now_s)), now_s

    def taken(self, now_s: float) -> float:
        """Return the number of the sample that is taken now; -inf where nothing was read yet."""
        return self._lead_at(now_s) + now_s * self._rate_hz

    def _lead_at(self, now_s: float) -> float:
        return self._lead - _CRYSTAL * (now_s - self._known_s) * self._rate_hz
