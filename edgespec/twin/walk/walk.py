"""A walk through a site: where a transmitter was carried, and what each unit heard of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST_PLACES", "Walk"]

FloatArray = NDArray[np.float64]

#: A unit that was heard at fewer places than this is not learnt; a walk that has fewer is none.
FEWEST_PLACES = 30


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Readings in the order of the file.

    ``places_m`` float64 ``(n, 2)``: x and y at the site; ``levels_db`` float64 ``(n, n_units)`` in
    the order of the site's units, NaN where one took no part; ``days`` int64 ``(n,)``: day of each
    reading since 1970, 0 where the file has no times. ``n_repeated`` rows were there twice and
    ``n_unplaced`` had no position; neither is among them.
    """

    places_m: FloatArray
    levels_db: FloatArray
    days: NDArray[np.int64]
    n_repeated: int = 0
    n_unplaced: int = 0

    def __len__(self) -> int:
        return len(self.places_m)

    def chosen(self, rows: NDArray[np.bool_]) -> "Walk":
        """Return some of the readings."""
        return Walk(self.places_m[rows], self.levels_db[rows], self.days[rows])
