"""Ten seconds of a band: what every bin has nearly always, and what it has now and then."""

from dataclasses import dataclass

import numpy as np

from edgespec.records import FloatArray

__all__ = ["FLOOR", "Levels", "Looks"]

#: A bin has less for a tenth of the time, and more for another.
_RARELY = 0.1
#: Where the noise floor stands, behind the bins, and of which share of them it is the highest.
FLOOR, _FLOOR_SHARE = -1, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Quantiles .1 and .9 of looks at every bin and, behind them, of the noise floor.

    Both float32 ``(n_bins + 1,)``. Traffic that comes and goes raises the high ones; what is there
    all the time raises the low ones.
    """

    low_dbfs: FloatArray
    high_dbfs: FloatArray


class Looks:
    """Takes mean rows of horizons until there are enough of them; nothing is allocated by that.

    The floor of a look is the level that a tenth of the bins do not exceed.

    Args:
        n_bins: of a row.
        n_looks: how many are enough.
    """

    def __init__(self, n_bins: int, n_looks: int) -> None:
        self._rows = np.empty((n_looks, n_bins + 1), np.float32)
        self._sorted = np.empty(n_bins, np.float32)
        self._lowest = round(_FLOOR_SHARE * (n_bins - 1))
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Whether there are enough."""
        return self._count == len(self._rows)

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return self._count == 0

    def clear(self) -> None:
        """Forget them."""
        self._count = 0

    def follow(self, step_db: float) -> None:
        """Take a step of the gain into what is there."""
        self._rows[: self._count] += np.float32(step_db)

    def add(self, target_dbfs: FloatArray) -> None:
        """Take the mean, in dB, over ``(n_horizon, n_bins)``."""
        row = self._rows[self._count]
        bins = row[:FLOOR]
        np.add.reduce(target_dbfs, axis=0, out=bins)
        np.multiply(bins, np.float32(1.0 / len(target_dbfs)), out=bins)
        self._sorted[:] = bins
        self._sorted.partition(self._lowest)
        row[FLOOR] = self._sorted[self._lowest]
        self._count += 1

    def take(self) -> Levels:
        """Return what they were like, and begin anew."""
        rows, last = self._rows[: self._count], self._count - 1
        low = round(_RARELY * last)
        rows.partition((low, last - low), axis=0)
        self.clear()
        return Levels(rows[low].copy(), rows[last - low].copy())
