"""The levels of a site on three time scales, and how far it has moved from what is usual."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.slow.commissioned import N_FIRST, Commissioned, commission
from edgespec.detect.slow.hours import HourLevels
from edgespec.detect.slow.looks import FLOOR, Levels
from edgespec.records import FloatArray

__all__ = ["SiteLevels"]

#: Blocks of ten seconds that are ten minutes, and of these the fewest that say something.
N_SLOW, FEWEST = 60, 30


class SiteLevels:
    """Ten seconds against ten minutes against what was there at first, or is at this hour.

    It is told blocks of ten seconds without an alarm in them. The first minute of them commissions
    the site; from then on its levels stay where they are, but for steps of the gain.

    Args:
        n_bins: of a row.

    Attributes:
        first: what the site was like at first; None before that is known.
        hours: what it is like at each hour of the day.
        level_dbfs: what is usual now, of what is there all the time; the floor is behind the bins.
    """

    def __init__(self, n_bins: int) -> None:
        self.n_bins = n_bins
        self._low_db = np.zeros((N_SLOW, n_bins + 1), np.float32)
        self._high_db = np.zeros_like(self._low_db)
        self.clear()

    def clear(self) -> None:
        """Forget the site."""
        self.first: Commissioned | None = None
        self.hours = HourLevels(self.n_bins + 1)
        self._blocks: list[Levels] = []
        self._last: Levels | None = None
        self._count = 0
        self.level_dbfs = np.zeros(self.n_bins + 1, np.float32)

    def begin_with(self, first: Commissioned, hours: HourLevels) -> None:
        """Go on with what an earlier run knew."""
        self.clear()
        self.first, self.hours = first, hours

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        step = np.float32(step_db)
        if self.first is not None:
            self.first.follow(step_db)
        self.hours.follow(step_db)
        self._blocks = [Levels(one.low_dbfs + step, one.high_dbfs + step) for one in self._blocks]
        if self._last is not None:
            self._last = Levels(self._last.low_dbfs + step, self._last.high_dbfs + step)
        self.level_dbfs = self.level_dbfs + step

    def take(self, now: Levels, hour: int | None, is_moved: NDArray[np.bool_]) -> None:
        """Take ten seconds.

        Args:
            now: their levels.
            hour: of the day, None where it is not known.
            is_moved: bool ``(n_bins + 1,)``, what has moved and is not learnt from.
        """
        if self.first is None:
            self._blocks.append(now)
            if len(self._blocks) == N_FIRST:
                self.first = commission(self._blocks)
                self._blocks.clear()
        else:
            usual = self.hours.usual(hour, self.first.levels)
            self.level_dbfs = usual.low_dbfs
            row = self._count % N_SLOW
            self._low_db[row] = now.low_dbfs - usual.low_dbfs
            self._high_db[row] = now.high_dbfs - usual.high_dbfs
            self._count += 1
            if self._last is not None:
                self.first.learn(now, self._last, self._low_db[row])
            if hour is not None:
                self.hours.learn(hour, now, is_moved)
        self._last = now

    @property
    def has_level(self) -> bool:
        """Whether ten seconds were compared with anything yet."""
        return self._count > 0

    def excess_db(self) -> FloatArray:
        """Return how far ten minutes are from what is usual, ``(n_bins,)``; zeros for five minutes.

        Up, by what is there all the time; down, by that and by what is there now and then, the
        one that has moved less.
        """
        if self._count < FEWEST:
            return np.zeros(self.n_bins, np.float32)
        n = min(self._count, N_SLOW)
        low_db = np.median(self._low_db[:n, :FLOOR], axis=0)
        high_db = np.median(self._high_db[:n, :FLOOR], axis=0)
        less_db = np.minimum(np.maximum(low_db, high_db), np.float32(0.0))
        moved_db: FloatArray = np.where(low_db > 0, low_db, less_db)
        return moved_db

    def newest_db(self) -> FloatArray:
        """Return how far the last ten seconds are from what is usual, the floor behind the bins.

        By what was there all the time.
        """
        newest_db: FloatArray = self._low_db[(self._count - 1) % N_SLOW]
        return newest_db
