"""What a new layer is worth: errors before and after on signal that it was not fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "Trial"]

#: A block of segments that follow each other is drawn as one: traffic of one second is alike.
_BLOCK_S, _LEAST_BLOCKS = 1.0, 10
_N_DRAWS = 4000
_LOW, _HIGH = 0.025, 0.975

_Double = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the range that it lies in with 95%."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} dB [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Trial:
    """Errors of segments, RMS over horizon and bins in dB, in the order of the signal.

    ``at_s``, ``before_db`` and ``after_db`` are float64 ``(n_segments,)``.
    """

    at_s: _Double
    before_db: _Double
    after_db: _Double

    @property
    def is_better(self) -> bool:
        """Whether the new layer is better by more than chance: all of the range is below zero."""
        return self.difference.high < 0.0

    @property
    def before(self) -> Interval:
        """Mean error of the old layer."""
        return self._interval(self.before_db)

    @property
    def after(self) -> Interval:
        """Mean error of the new one."""
        return self._interval(self.after_db)

    @property
    def difference(self) -> Interval:
        """Mean of after less before, segment by segment."""
        return self._interval(self.after_db - self.before_db)

    def _interval(self, values: _Double) -> Interval:
        """Return the mean and the range of means over blocks that are drawn with replacement.

        Blocks of a second, or shorter ones where there would be fewer than ten (Kuensch 1989, in
        blocks that do not overlap). Ten blocks give a range that is a little too narrow.
        """
        mean = float(values.mean())
        duration_s = float(self.at_s[-1] - self.at_s[0])
        block_s = min(_BLOCK_S, duration_s / _LEAST_BLOCKS)
        if not block_s > 0.0:
            return Interval(mean, -np.inf, np.inf)
        blocks = np.minimum((self.at_s - self.at_s[0]) // block_s, duration_s // block_s)
        _, number = np.unique(blocks, return_inverse=True)
        sums = np.bincount(number, values)
        counts = np.bincount(number)
        # The same signal gives the same range.
        drawn = np.random.default_rng(0).integers(len(sums), size=(_N_DRAWS, len(sums)))
        means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
        low, high = np.quantile(means, (_LOW, _HIGH))
        return Interval(mean, float(low), float(high))
