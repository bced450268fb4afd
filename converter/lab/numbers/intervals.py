"""How sure a figure is: the middle of its resamples, exact intervals of rates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, chi2

from edgespec.errors import UsageError

__all__ = ["LEVEL", "Interval", "clopper_pearson", "percentiles", "poisson_rate"]

#: Confidence of every interval.
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds that it lies in with 95 % confidence.

    As text: ``0.93 [0.9, 0.95]``; a format goes to each of the three, ``f"{interval:.1%}"``.
    """

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        spec = spec or ".3g"
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def __str__(self) -> str:
        return format(self, "")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def times(self, factor: float) -> "Interval":
        """Return it in another unit: per day from per hour."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


def percentiles(value: float, resamples: ArrayLike) -> Interval:
    """Return ``value`` with the middle 95 % of its bootstrap resamples; NaN among them are out."""
    values = np.asarray(resamples, np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(values, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0))
    return Interval(value, float(low), float(high))


def clopper_pearson(k: int, n: int) -> Interval:
    """Return ``k / n`` with its exact interval (Clopper and Pearson 1934).

    For independent trials: false alarms come in bursts, so beside it stands the bootstrap.

    Raises:
        UsageError: ``k`` is not between 0 and ``n``, or ``n`` is 0.
    """
    if not 0 <= k <= n or n < 1:
        raise UsageError(f"{k} of {n} is not a rate; it takes 0 to n of at least 1")
    bounds = binomtest(k, n).proportion_ci(LEVEL, method="exact")
    return Interval(k / n, float(bounds.low), float(bounds.high))


def poisson_rate(k: int, hours: float) -> Interval:
    """Return events per hour with the exact interval of their rate (Garwood 1936).

    Where none came, all of the 5 % goes to the upper bound, ``-ln(0.05) / hours``: the rule of
    three. Per day: ``poisson_rate(k, hours).times(24)``.

    Raises:
        UsageError: ``k`` is negative, or ``hours`` is not positive.
    """
    if k < 0 or not hours > 0:
        raise UsageError(f"{k} events in {hours:g} hours are not a rate; the time must be positive")
    if k == 0:
        return Interval(0.0, 0.0, float(-np.log(1.0 - LEVEL)) / hours)
    tail = (1.0 - LEVEL) / 2.0
    low, high = chi2.ppf(tail, 2 * k) / 2.0, chi2.ppf(1.0 - tail, 2 * k + 2) / 2.0
    return Interval(k / hours, float(low) / hours, float(high) / hours)
