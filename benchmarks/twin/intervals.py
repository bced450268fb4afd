"""Figures with 95% intervals, by groups that are drawn anew together."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Intervals", "squares_of"]

_N_BOOTSTRAPS = 1000
_MOST_ROWS = 1_000_000


class Intervals:
    """Draws groups anew: what is in one square knows what else is in it.

    Args:
        group: int64 ``(n,)``, of each reading.
    """

    def __init__(self, group: NDArray[np.int64]) -> None:
        self.rows = [np.flatnonzero(group == one) for one in np.unique(group)]
        rng = np.random.default_rng(0)
        self._all = np.arange(len(group))
        self._drawn = [
            np.concatenate(
                [self.rows[one] for one in rng.integers(0, len(self.rows), len(self.rows))]
            )
            for _ in range(_N_BOOTSTRAPS)
        ]

    def of(self, measure: Callable[[NDArray[np.int64]], float]) -> list[float]:
        """Return what is measured of all readings, and its interval's ends."""
        ends = np.percentile([measure(one) for one in self._drawn], [2.5, 97.5])
        return [round(float(one), 3) for one in (measure(self._all), *ends)]


def squares_of(places_m: NDArray[np.float64], side_m: float) -> NDArray[np.int64]:
    """Return a number of the square of each of the places ``(n, 2)``, the same for any places."""
    columns, rows = np.floor(places_m / side_m).astype(np.int64).T
    return np.asarray(columns * _MOST_ROWS + rows)
