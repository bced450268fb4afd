"""How sure a figure is: bootstrap by observer and block, exact intervals of rates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, chi2

from edgespec.errors import UsageError

__all__ = [
    "LEVEL",
    "Interval",
    "bootstrap_by_observer",
    "clopper_pearson",
    "paired_difference",
    "percentiles",
    "poisson_rate",
    "resampled_rows",
]

#: Confidence of every interval.
LEVEL = 0.95

Rows = NDArray[np.intp]
Statistic = Callable[[NDArray[np.generic]], float]


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


def resampled_rows(lengths: Sequence[int], block: int, rng: np.random.Generator) -> Rows:
    """Return one bootstrap sample of the rows of observers that are laid end to end.

    Observers are drawn with replacement, then blocks of ``block`` consecutive rows within each of
    them: what one observer hears is alike, and so is what follows at once (Davison and Hinkley
    1997, sec. 3.8). Of an observer whose length is not a multiple the last block is shorter.
    """
    sizes = np.asarray(lengths)
    ends = np.cumsum(sizes)
    chosen = rng.integers(len(sizes), size=len(sizes))
    n_blocks = -(-sizes[chosen] // block)
    observer = np.repeat(chosen, n_blocks)
    drawn = (rng.random(len(observer)) * np.repeat(n_blocks, n_blocks)).astype(np.intp)
    first = ends[observer] - sizes[observer] + drawn * block
    n_rows = np.minimum(block, ends[observer] - first)
    since_first = np.arange(n_rows.sum()) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
    rows: Rows = np.repeat(first, n_rows) + since_first
    return rows


def bootstrap_by_observer(
    statistic: Statistic,
    groups: Sequence[ArrayLike],
    *,
    rng: np.random.Generator,
    n: int = 1000,
    block: int = 1,
) -> Interval:
    """Return a statistic of all observers' rows and its bootstrap interval.

    Args:
        statistic: of rows laid end to end, ``(n_rows, ...)``, such as :func:`numpy.mean`.
        groups: rows of each observer in the order of time; who has none is left out.
        rng: draws the resamples.
        n: how many.
        block: rows that are drawn together, 1 where they do not depend on each other.

    Raises:
        UsageError: there are no rows, or ``n`` or ``block`` is not positive.
    """
    rows, lengths = _laid_out(groups, n, block)
    resamples = [statistic(rows[resampled_rows(lengths, block, rng)]) for _ in range(n)]
    return percentiles(float(statistic(rows)), resamples)


def paired_difference(
    statistic: Statistic,
    groups: Sequence[ArrayLike],
    others: Sequence[ArrayLike],
    *,
    rng: np.random.Generator,
    n: int = 1000,
    block: int = 1,
) -> Interval:
    """Return ``statistic(groups) - statistic(others)`` on the same observers, with its interval.

    Every resample takes the same observers and rows of both, so what they have in common drops
    out.

    Raises:
        UsageError: the two do not have the same observers with as many rows each; or as
            :func:`bootstrap_by_observer`.
    """
    sizes, other_sizes = [np.shape(part)[0] for part in groups], [np.shape(p)[0] for p in others]
    if sizes != other_sizes:
        raise UsageError(
            f"{len(sizes)} observers with {sum(sizes)} rows are compared with {len(other_sizes)} "
            f"with {sum(other_sizes)}: a paired difference takes the same rows of the same "
            "observers"
        )
    rows, lengths = _laid_out(groups, n, block)
    other_rows, _ = _laid_out(others, n, block)
    resamples = []
    for _ in range(n):
        drawn = resampled_rows(lengths, block, rng)
        resamples.append(statistic(rows[drawn]) - statistic(other_rows[drawn]))
    return percentiles(float(statistic(rows) - statistic(other_rows)), resamples)


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


def _laid_out(
    groups: Sequence[ArrayLike], n: int, block: int
) -> tuple[NDArray[np.generic], list[int]]:
    if n < 1 or block < 1:
        raise UsageError(f"{n} resamples of blocks of {block}: both must be at least 1")
    parts = [part for part in map(np.asarray, groups) if len(part)]
    if not parts:
        raise UsageError(f"{len(groups)} observers have no rows to draw from: give at least one")
    return np.concatenate(parts), [len(part) for part in parts]
