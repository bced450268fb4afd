"""How many bursts were heard in a band: its rhythm is known when there were many."""

import numpy as np

from edgespec.detect.any_band.runs import widths_of
from edgespec.records import FloatArray

__all__ = ["Bursts"]

#: Bins of a place in the band, where there are so many, and the dB over its quietest that it is
#: busy from on. Noise of ten spectra a frame is never; of one, below 1 MS/s, it is now and then,
#: and more is learnt from there.
_WIDTH, _BUSY_DB = 8, 6.0


class Bursts:
    """Counts hops in which some place of the band becomes busy that was not in the hop before.

    Bursts of less than 2 ms are not counted: who sends these sends them often.

    Args:
        n_bins: of the band.
    """

    def __init__(self, n_bins: int) -> None:
        widths = widths_of(n_bins)
        number = int(np.flatnonzero(widths <= _WIDTH)[-1])
        width = int(widths[number])
        first = int((n_bins + 1 - widths[:number]).sum())
        # Runs of one width follow each other: places lie side by side.
        self._places = slice(first, first + n_bins + 1 - width, width)
        n_places = n_bins // width
        self._lowest_db = np.full(n_places, np.inf, np.float32)
        self._over_db = np.zeros(n_places, np.float32)
        self._is_busy = np.zeros(n_places, np.bool_)
        self._was_busy = np.zeros(n_places, np.bool_)
        self.n_heard = 0

    def clear(self) -> None:
        """Forget the band."""
        self._lowest_db[:] = np.inf
        self._was_busy[:] = False
        self.n_heard = 0

    def take(self, levels_db: FloatArray) -> None:
        """Take the levels of a hop, float32 ``(4, n_runs)``."""
        peaks_db, floors_db = levels_db[2, self._places], levels_db[3, self._places]
        np.minimum(self._lowest_db, floors_db, out=self._lowest_db)
        np.subtract(peaks_db, self._lowest_db, out=self._over_db)
        np.greater(self._over_db, _BUSY_DB, out=self._is_busy)
        np.greater(self._is_busy, self._was_busy, out=self._was_busy)
        self.n_heard += bool(self._was_busy.any())
        self._is_busy, self._was_busy = self._was_busy, self._is_busy

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is known."""
        self._lowest_db += np.float32(step_db)
