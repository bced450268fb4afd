"""What a scan found in a hop."""

from dataclasses import dataclass

import numpy as np

from edgespec.records import FloatArray

__all__ = ["Deviation"]

#: Nothing at all is drawn as -60 dB.
_LEAST_RATIO = np.float32(1e-6)


@dataclass(frozen=True, slots=True)
class Deviation:
    """The window that lies farthest above what the site showed, of those that ended in a hop.

    ``value`` is in deviations; on normal signal it is about normally distributed for each window,
    and the largest of them lies between 1 and 5. ``n_slots`` is the length of the window,
    ``lower`` and ``upper`` are its first and last subband, and ``level`` is the power there that
    nobody expected, a subband, linear. ``ratio`` float32 ``(n_recent, n_subbands)``: measured
    over expected of the newest slots, linear, the newest one last; it is a buffer that the next
    hop overwrites.
    """

    value: float
    n_slots: int
    lower: int
    upper: int
    level: float
    ratio: FloatArray

    def map_db(self, n_slots: int) -> FloatArray:
        """Return the newest slots in dB over what was expected, for whoever draws."""
        return _in_db(self.ratio[len(self.ratio) - n_slots :])

    def mean_db(self) -> FloatArray:
        """Return the mean of the window in dB over what was expected, ``(1, n_subbands)``.

        Of a window that is longer than what is kept, the newest slots.
        """
        n_rows = min(self.n_slots, len(self.ratio))
        return _in_db(self.ratio[len(self.ratio) - n_rows :].mean(axis=0, keepdims=True))


def _in_db(ratio: FloatArray) -> FloatArray:
    ratio_db: FloatArray = np.float32(10.0) * np.log10(np.maximum(ratio, _LEAST_RATIO))
    return ratio_db
