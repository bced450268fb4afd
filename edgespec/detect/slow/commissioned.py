"""What a site was like at first: its levels do not move by themselves, how it varies is learnt."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgespec.detect.slow.looks import FLOOR, Levels
from edgespec.records import FloatArray

__all__ = ["N_FIRST", "Commissioned", "commission"]

#: Blocks of ten seconds that a site is commissioned by.
N_FIRST = 6
#: The spread follows what traffic shows by so much in ten seconds, 3 dB a minute, ...
_MOST_STEP_DB = 0.5
#: ... where gaps show that nothing was added: the low level is as near to the usual one.
_GAP_DB = 1.5
#: Steps from one ten seconds to the next count for ten minutes; over minutes, their sum comes to
#: so many times their RMS: of walkers in shadows to 4.6 times (8 in 5 hours).
_STEP_WEIGHT, _STEPS = 1.0 / 60.0, 6.0
#: What is there nearly all of ten minutes varies by less than this share of the spread.
_SHARE = 0.5


@dataclass(slots=True, eq=False)
class Commissioned:
    """All float32 ``(n_bins + 1,)``, the noise floor behind the bins.

    ``levels`` are medians over the first minute. ``spread_db`` is from the lowest to the highest
    that is normal, ``step_square`` the mean square, in dB, of what moves between one ten seconds
    and the next.
    """

    levels: Levels
    spread_db: FloatArray
    step_square: FloatArray

    def limit_db(self, least_db: float) -> FloatArray:
        """Return how far ten minutes must be from their level for a bin to have moved.

        A ramp hardly widens that: 3 dB a minute count as 3 dB.
        """
        steps_db = np.float32(_STEPS) * np.sqrt(self.step_square)
        varied_db = np.maximum(np.float32(_SHARE) * self.spread_db, steps_db)
        limit_db: FloatArray = np.maximum(varied_db, np.float32(least_db))
        return limit_db

    def floor_limit_db(self, least_db: float) -> float:
        """Return by how much the floor of ten seconds must have risen: by so much beyond usual."""
        steps_db = _STEPS * math.sqrt(self.step_square[FLOOR])
        return max(float(self.spread_db[FLOOR]), steps_db) + least_db

    def learn(self, now: Levels, before: Levels, low_db: FloatArray) -> None:
        """Learn how the site varies.

        Args:
            now: the newest ten seconds.
            before: those before them.
            low_db: how far their low levels are from what is usual now.
        """
        # What is nearer to where it was before: traffic that comes moves the high level alone.
        step_db = np.minimum(
            np.abs(now.low_dbfs - before.low_dbfs), np.abs(now.high_dbfs - before.high_dbfs)
        )
        self.step_square += np.float32(_STEP_WEIGHT) * (step_db**2 - self.step_square)
        wider_db = now.high_dbfs - now.low_dbfs - self.spread_db
        wider_db[np.abs(low_db) > _GAP_DB] = 0.0
        self.spread_db += np.clip(wider_db, 0.0, np.float32(_MOST_STEP_DB))

    def copy(self) -> "Commissioned":
        """Return the same in arrays of their own."""
        levels = Levels(self.levels.low_dbfs.copy(), self.levels.high_dbfs.copy())
        return Commissioned(levels, self.spread_db.copy(), self.step_square.copy())

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self.levels = Levels(
            self.levels.low_dbfs + np.float32(step_db), self.levels.high_dbfs + np.float32(step_db)
        )


def commission(blocks: Sequence[Levels]) -> Commissioned:
    """Return what a site was like in some blocks of ten seconds, at least two."""
    low = np.stack([block.low_dbfs for block in blocks])
    high = np.stack([block.high_dbfs for block in blocks])
    steps_db = np.minimum(np.abs(np.diff(low, axis=0)), np.abs(np.diff(high, axis=0)))
    return Commissioned(
        Levels(np.median(low, axis=0), np.median(high, axis=0)),
        high.max(axis=0) - low.min(axis=0),
        np.mean(steps_db**2, axis=0),
    )
