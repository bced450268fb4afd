"""What a site is like at each hour of the day."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.slow.looks import Levels

__all__ = ["MOST_BLOCKS", "HourLevels"]

_N_HOURS = 24
#: Blocks of ten seconds that are counted of an hour; with so many, ten minutes, it is known.
MOST_BLOCKS = 60
#: What is known follows by so much in a day, which has 360 blocks of each hour.
_MOST_A_DAY_DB = 0.25
_MOST_STEP_DB = np.float32(_MOST_A_DAY_DB / 360)


class HourLevels:
    """Levels of 24 hours: learnt in the first ten minutes or more of one, and then nearly fixed.

    An hour counts when it is over: it cannot make normal what comes in it. Where something has
    moved, nothing is learnt.

    Args:
        n_columns: bins and what is behind them.

    Attributes:
        low_dbfs: ``(24, n_columns)``, as those of :class:`Levels`.
        high_dbfs: the same.
        n_blocks: ``(24, n_columns)``, how often each was heard, up to 60.
    """

    def __init__(self, n_columns: int) -> None:
        self.low_dbfs = np.zeros((_N_HOURS, n_columns), np.float32)
        self.high_dbfs = np.zeros((_N_HOURS, n_columns), np.float32)
        self.n_blocks = np.zeros((_N_HOURS, n_columns), np.uint8)
        self._now: int | None = None
        self._begun = np.zeros(n_columns, np.uint8)

    def usual(self, hour: int | None, otherwise: Levels) -> Levels:
        """Return the levels of an hour, and others where it is not known."""
        if hour is None:
            return otherwise
        counts = self._begun if hour == self._now else self.n_blocks[hour]
        is_known = counts >= MOST_BLOCKS
        return Levels(
            np.where(is_known, self.low_dbfs[hour], otherwise.low_dbfs),
            np.where(is_known, self.high_dbfs[hour], otherwise.high_dbfs),
        )

    def learn(self, hour: int, levels: Levels, is_moved: NDArray[np.bool_]) -> None:
        """Learn a block of ten seconds in an hour, but where something has moved."""
        counts = self.n_blocks[hour]
        if hour != self._now:
            self._now = hour
            self._begun[:] = counts
        weight = np.float32(1.0) / (counts + np.float32(1.0))
        for kept, new in ((self.low_dbfs, levels.low_dbfs), (self.high_dbfs, levels.high_dbfs)):
            step_db = new - kept[hour]
            step_db = np.where(
                counts < MOST_BLOCKS,
                weight * step_db,
                np.clip(step_db, -_MOST_STEP_DB, _MOST_STEP_DB),
            )
            kept[hour] += np.where(is_moved, np.float32(0.0), step_db)
        counts[~is_moved & (counts < MOST_BLOCKS)] += 1

    def middle_dbfs(self, hour: int, n_columns: int) -> NDArray[np.float64] | None:
        """Return what lies between low and high levels of the first columns at an hour.

        None where one of them is not known.
        """
        if self.n_blocks[hour, :n_columns].min() < MOST_BLOCKS:
            return None
        low, high = self.low_dbfs[hour, :n_columns], self.high_dbfs[hour, :n_columns]
        return 0.5 * (low.astype(np.float64) + high)

    def copy(self) -> "HourLevels":
        """Return the same in arrays of their own."""
        other = HourLevels(self.low_dbfs.shape[1])
        other.low_dbfs[:], other.high_dbfs[:] = self.low_dbfs, self.high_dbfs
        other.n_blocks[:] = self.n_blocks
        return other

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self.low_dbfs += np.float32(step_db)
        self.high_dbfs += np.float32(step_db)
