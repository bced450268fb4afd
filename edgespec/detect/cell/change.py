"""What a change of the level is, by the levels of some slots before and after it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.units import db_from_ratio

__all__ = ["N_NEAR", "LevelChange", "judge_change"]

Array = NDArray[np.float64]

#: Rows next to a change whose levels are compared.
N_NEAR = 8
#: A bin may be down if less than the first share of its level is left, and a run of them is if less
#: than the second is left together: a step of -10 dB leaves a tenth.
_LOW, _DOWN = 0.2, 0.06
#: Least share of the band that is told as down, side by side.
_LEAST_SHARE = 0.12
#: A change must stand out of the spread of both stretches by so many deviations of their means.
_SIGMAS = 3.0
#: Smallest step that is told.
_LEAST_DB = 1.0
#: A step of the gain moves the spread of the level by as many dB as the level; one of the cell's
#: power by half as many, for it is that of noise times signal.
_GAIN_SHARE = 0.75
#: No step is told as larger than 30 dB.
_LEAST_LEFT = 1e-3
#: Half of a step is what parts the bins that have it from those that have not.
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class LevelChange:
    """``kind`` as a sighting's, '' where it is nothing; its bins are ``first`` to ``last``."""

    kind: str
    size_db: float
    first: int
    last: int


def judge_change(before: Array, after: Array) -> LevelChange:
    """Return what happened between two stretches of levels, each ``(n_rows, n_bins)``.

    The levels are those of the ``N_NEAR`` rows next to the change, for fading moves them; what
    noise there is all rows tell.
    """
    n_bins = before.shape[1]
    spread_before, spread_after = _spread(before), _spread(after)
    before, after = before[-N_NEAR:], after[:N_NEAR]
    was, now = before.mean(axis=0), after.mean(axis=0)
    floor = 0.01 * max(float(was.mean()), 1e-30)
    ratio = np.maximum(now, floor) / np.maximum(was, floor)
    first, last = _longest(ratio < _LOW)
    run = slice(first, last + 1)
    # What noise alone may show of a level that is not there, two deviations of its mean.
    unsure = 2.0 * float(np.sqrt((spread_after[run] ** 2).sum() / len(after)))
    if last - first + 1 >= _LEAST_SHARE * n_bins:
        left, of = float(now[run].sum()), float(was[run].sum())
        if left < _DOWN * of + unsure and unsure < _LOW * of:
            return LevelChange("carriers down", _db(max(left, floor), of), first, last)
    change = max(
        (_step(before, after, *bins) for bins in ((0, n_bins - 1), _strongest(np.log(ratio)))),
        key=lambda step: step[0],
    )
    sigmas, size_db, first, last = change
    if sigmas < _SIGMAS or abs(size_db) < _LEAST_DB:
        return LevelChange("", size_db, first, last)
    spread_db = _db(np.sqrt((spread_after**2).mean()), np.sqrt((spread_before**2).mean()))
    if first == 0 and last == n_bins - 1 and spread_db / size_db > _GAIN_SHARE:
        return LevelChange("gain step", size_db, first, last)
    return LevelChange("power step", size_db, first, last)


def _step(before: Array, after: Array, first: int, last: int) -> tuple[float, float, int, int]:
    """Return a step of some bins together, in deviations and in dB, and these bins."""
    run = slice(first, last + 1)
    was, now = before[:, run].sum(axis=1), after[:, run].sum(axis=1)
    spread = float(np.sqrt(was.var() / len(was) + now.var() / len(now)))
    sigmas = abs(float(now.mean() - was.mean())) / max(spread, 1e-30)
    return sigmas, _db(now.mean(), was.mean()), first, last


def _spread(level: Array) -> Array:
    """Return the standard deviation of each bin from row to row, whatever its course is.

    By second differences, whose variance is six times that of the rows.
    """
    bend = level[2:] - 2.0 * level[1:-1] + level[:-2]
    spread: Array = np.sqrt((bend**2).mean(axis=0) / 6.0)
    return spread


def _db(now: float, was: float) -> float:
    """Return a step; a level that noise has taken below zero is not told as less than nothing."""
    least = max(_LEAST_LEFT * max(float(now), float(was)), 1e-30)
    return db_from_ratio(max(float(now), least) / max(float(was), least))


def _longest(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first and last bin of the longest run that is true; last is first - 1 for none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return 0, -1
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest]) - 1


def _strongest(logs: Array) -> tuple[int, int]:
    """Return the run of bins of most change of one sign, less half of what the middle has.

    It is the run of the largest sum (Kadane's).
    """
    middle = float(np.median(logs))
    sign = 1.0 if (middle if abs(middle) > 0.1 else logs[np.argmax(np.abs(logs))]) > 0 else -1.0
    most = np.quantile(sign * logs, 0.9)
    best, total, start, found = 0.0, 0.0, 0, (0, len(logs) - 1)
    for k, value in enumerate(sign * logs - _HALF * most):
        if total <= 0.0:
            total, start = 0.0, k
        total += float(value)
        if total > best:
            best, found = total, (start, k)
    return found
