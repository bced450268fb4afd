"""Bootstrap by observer, with the same draws for everything that is compared.

Every statistic is an array whose first element belongs to the observers as they are and the others
to observers drawn with replacement. Differences of such arrays are paired: an interval around a
difference needs nothing but the difference.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.intervals import Interval, percentiles

__all__ = ["N_RESAMPLES", "Draws", "interval"]

Floats = NDArray[np.float64]

N_RESAMPLES = 1000


class Draws:
    """How often each observer counts in each draw: ``weights`` ``(1 + n, n_observers)``."""

    def __init__(self, observers: Sequence[Any], name: str, n: int = N_RESAMPLES) -> None:
        """Draw for the observers of ``name``; the same name gives the same draws."""
        self.observers = {observer: i for i, observer in enumerate(observers)}
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        n_observers = len(self.observers)
        drawn = rng.multinomial(n_observers, np.full(n_observers, 1 / n_observers), size=n)
        self.weights = np.concatenate([np.ones((1, n_observers)), drawn]).astype(np.float64)

    def ratio(self, above: Floats, below: Floats) -> Floats:
        """Return sums over observers of ``above`` over those of ``below``, ``(1 + n,)``.

        Args:
            above: one figure of every observer.
            below: what it is to be divided by, such as its number of segments.
        """
        below_sum = self.weights @ below
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self.weights @ above) / below_sum)

    def mean(self, values: Floats) -> Floats:
        """Return the mean over observers, ``(1 + n,)``; NaN leaves an observer out."""
        known = np.isfinite(values)
        return self.ratio(np.where(known, values, 0.0), known.astype(np.float64))


def interval(values: Floats) -> Interval:
    """Return the figure of all observers with its 95% percentile interval."""
    return percentiles(float(values[0]), values[1:][np.isfinite(values[1:])])
