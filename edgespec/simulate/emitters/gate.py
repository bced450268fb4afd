"""When a pulsed interferer is silent: periodic pulses, or pulses of random length and place."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gate"]

#: Random pulses are drawn once for so many periods, and come again after them.
_N_DRAWN = 4096


class Gate:
    """One pulse in every period.

    Without a seed each period begins with it, and it lasts ``duty`` of the period. With a seed
    its length is uniform with the mean ``duty`` (0 to twice that, or as wide as fits below 1) and
    its place in the period is uniform too.
    """

    def __init__(self, duty: float, period: float, seed: int | None) -> None:
        self._duty = duty
        self._period = period
        self.is_open = duty >= 1.0
        self._begin = self._end = np.empty(0)
        if seed is not None:
            rng = np.random.default_rng((seed, 7))
            half = min(duty, 1.0 - duty)
            length = rng.uniform(duty - half, duty + half, _N_DRAWN)
            self._begin = rng.random(_N_DRAWN) * (1.0 - length)
            self._end = self._begin + length

    def silent(self, k: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return where the samples ``k`` of the pulse train are silent, bool ``(n,)``."""
        if not len(self._begin):
            return k % self._period >= self._duty * self._period
        number, place = np.divmod(k / self._period, 1.0)
        row = number.astype(np.intp) % _N_DRAWN
        return (place < self._begin[row]) | (place >= self._end[row])
