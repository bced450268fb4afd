"""Where the columns of a row lie, and what its values mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid
from edgespec.records import FloatArray

__all__ = ["MOST_COLUMNS", "Axes", "Columns"]

#: No screen has more, and a sweep may have ten thousands of points.
MOST_COLUMNS = 1024
#: Distances of bins that differ by less than this are even.
_EVEN = 1e-3


@dataclass(frozen=True, slots=True)
class Axes:
    """What rows of a plane are like: they begin anew, with another ``number``, where that changes.

    A row has ``n_columns`` of equal width from ``lower_hz`` to ``upper_hz`` and lasts ``row_s``. A
    value means ``db_min + value * db_step``, and 0 that nothing was heard there.
    """

    number: int
    n_columns: int
    lower_hz: float
    upper_hz: float
    db_min: float
    db_step: float
    row_s: float


class Columns:
    """Bins of a grid in columns of equal width, as many as there are bins, at most 1024.

    Of several bins in a column the largest is shown. Where an axis has a hole, columns have no bin.

    Args:
        grid: of the bins.

    Attributes:
        n_columns: how many there are.
    """

    def __init__(self, grid: Grid) -> None:
        freqs_hz = grid.freqs_hz
        steps_hz = np.diff(freqs_hz)
        self.lower_hz, self.upper_hz = grid.edges_hz(0, grid.n_bins - 1)
        is_even = grid.n_bins < 3 or float(np.ptp(steps_hz)) <= _EVEN * float(steps_hz.min())
        self._starts: NDArray[np.intp] | None = None
        self.n_columns = grid.n_bins
        if is_even and grid.n_bins <= MOST_COLUMNS:
            return
        width_hz = self.upper_hz - self.lower_hz
        self.n_columns = int(min(max(round(width_hz / grid.bin_hz), 1), MOST_COLUMNS))
        column = ((freqs_hz - self.lower_hz) * (self.n_columns / width_hz)).astype(np.intp)
        self._filled, self._starts = np.unique(
            np.minimum(column, self.n_columns - 1), return_index=True
        )

    def take(self, values: FloatArray, out: FloatArray) -> None:
        """Write values a bin into columns, ``(n_columns,)``; those without a bin get -inf."""
        if self._starts is None:
            out[:] = values
            return
        out[:] = -np.inf
        out[self._filled] = np.maximum.reduceat(values, self._starts)
