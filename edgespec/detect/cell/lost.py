"""Whether a cell is still there, by the coherence of its reference signals."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["LostWatch"]

#: Active symbols of a slot.
_N_SYMBOLS = 2
#: Mean and spread of the modulus of a sum of random phases, over its length's root (Rayleigh).
_MEAN, _SPREAD = 0.886, 0.463
_SIGMAS = 4.0
#: Rows that are averaged, and for how many of them in a row the cell must not be heard: 30 ms.
_N_ROWS, _LONG_ROWS = 20, 60
#: A cell that stands less above another identity cannot be missed.
_CLEARLY = 2.0
#: Less than this share of its level is left; noise may hide half of that.
_LEFT = 0.1


class LostWatch:
    """Says when a cell is lost: only noise is left at its reference signals, for long enough.

    Another identity shows ``0.886 / sqrt(N)`` there, with N products a slot. Coherence alone is not
    enough: whoever jams the band lowers it, too. The level must have gone, and noise must be so low
    that this can be said.

    Args:
        n_bins: products of a symbol.
        usual: coherence of normal slots.
        level: of normal slots, over the band.

    Attributes:
        coherence: mean of the last rows.
        is_lost: it is, now.
    """

    def __init__(self, n_bins: int, usual: float, level: float) -> None:
        n_products = _N_SYMBOLS * n_bins
        other = (_MEAN + _SIGMAS * _SPREAD / np.sqrt(_N_ROWS)) / np.sqrt(n_products)
        self._most = float(other)
        self._can_be_missed = usual > _CLEARLY * self._most
        self._level = level
        self._spread = float(1.0 / np.sqrt(n_products * _N_ROWS))
        self._mean_level, self._mean_noise = level, 0.0
        self._n_without = 0
        self.coherence = usual
        self.is_lost = False

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into the usual level."""
        self._level *= 10.0 ** (step_db / 10.0)

    def update(
        self, coherence: NDArray[np.float64], level: NDArray[np.float64], noise: NDArray[np.float64]
    ) -> bool:
        """Take rows of the whole band, each ``(n_rows,)``; return whether it was lost in them."""
        before = self.is_lost
        # Numbers of Python: an item of an array takes longer than all that is done with it.
        rows = zip(coherence.tolist(), level.tolist(), noise.tolist(), strict=True)
        for of_coherence, of_level, of_noise in rows:
            self.coherence += (of_coherence - self.coherence) / _N_ROWS
            self._mean_level += (of_level - self._mean_level) / _N_ROWS
            self._mean_noise += (of_noise - self._mean_noise) / _N_ROWS
            spread = self._mean_noise * self._spread
            is_gone = self._mean_level < _LEFT * self._level and spread < _LEFT / 2 * self._level
            is_without = self._can_be_missed and self.coherence < self._most and is_gone
            self._n_without = self._n_without + 1 if is_without else 0
            self.is_lost = self._n_without >= _LONG_ROWS or (self.is_lost and is_without)
        return self.is_lost and not before
