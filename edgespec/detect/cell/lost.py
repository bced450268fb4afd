"""Whether a cell is still there, by the coherence of its reference signals."""

import numpy as np
from numpy.typing import NDArray

from edgespec.units import db_from_ratio

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
#: A lost cell is heard again when its coherence stands so far above that of another identity.
_AGAIN = 1.3
#: Less than this share of its level is left; noise may hide half of that.
_LEFT = 0.1
#: No less is told.
_LEAST = 1e-3


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
        most: coherence that another identity would show at most.
        is_lost: it is, now.
    """

    def __init__(self, n_bins: int, usual: float, level: float) -> None:
        n_products = _N_SYMBOLS * n_bins
        other = (_MEAN + _SIGMAS * _SPREAD / np.sqrt(_N_ROWS)) / np.sqrt(n_products)
        self.most = float(other)
        self._can_be_missed = usual > _CLEARLY * self.most
        self._level = level
        self._spread = float(1.0 / np.sqrt(n_products * _N_ROWS))
        self._mean_level, self._mean_noise = level, 0.0
        self._n_without = 0
        self.coherence = usual
        self.is_lost = False

    def _is_heard(self, coherence: NDArray[np.float64]) -> bool:
        """Whether every row shows the cell, so that no mean of them can be too low."""
        least = min(self.coherence, float(coherence.min()))
        return not self._n_without and not self.is_lost and least >= self.most

    def _average(self, *rows: NDArray[np.float64]) -> None:
        """Let all means follow their rows, at once."""
        n_rows = len(rows[0])
        powers = (1.0 - 1.0 / _N_ROWS) ** np.arange(n_rows, -1, -1)
        means = (self.coherence, self._mean_level, self._mean_noise)
        self.coherence, self._mean_level, self._mean_noise = (
            float(powers[0] * mean + powers[1:] @ values / _N_ROWS)
            for mean, values in zip(means, rows, strict=True)
        )

    @property
    def left_db(self) -> float:
        """What is left of the level, noise included, in dB."""
        return db_from_ratio(max(self._mean_level, _LEAST * self._level) / self._level)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into the usual level."""
        self._level *= 10.0 ** (step_db / 10.0)

    def update(
        self, coherence: NDArray[np.float64], level: NDArray[np.float64], noise: NDArray[np.float64]
    ) -> bool:
        """Take rows of the whole band, each ``(n_rows,)``; return whether it was lost in them."""
        if self._is_heard(coherence):
            self._average(coherence, level, noise)
            return False
        before = self.is_lost
        # Numbers of Python: an item of an array takes longer than all that is done with it.
        rows = zip(coherence.tolist(), level.tolist(), noise.tolist(), strict=True)
        for of_coherence, of_level, of_noise in rows:
            self.coherence += (of_coherence - self.coherence) / _N_ROWS
            self._mean_level += (of_level - self._mean_level) / _N_ROWS
            self._mean_noise += (of_noise - self._mean_noise) / _N_ROWS
            spread = self._mean_noise * self._spread
            is_gone = self._mean_level < _LEFT * self._level and spread < _LEFT / 2 * self._level
            is_without = self._can_be_missed and self.coherence < self.most and is_gone
            self._n_without = self._n_without + 1 if is_without else 0
            self.is_lost = self._n_without >= _LONG_ROWS or (
                self.is_lost and self.coherence < _AGAIN * self.most
            )
        return self.is_lost and not before
