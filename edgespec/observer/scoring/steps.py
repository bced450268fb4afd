"""Where a band differs from what it was: in a warm-up, from one run to another, from a model."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Change", "change_in", "largest_step", "model_bias", "quieter_part"]

#: Parts of equal length that a warm-up is compared in; a change needs two before and two behind.
N_PARTS, FEWEST_PARTS = 16, 2
#: Least step, in dB and in spreads of a bin's parts before and behind it. A walker's bins fade by 6
#: dB from one part to the next, but then they do so all the time.
CHANGED_DB, CHANGED_SPREADS = 3.0, 5.0
#: ... and least share of pairs of segments in which the one on the louder side is louder. The
#: traffic and the fading of simulated cells come to 0.92, an interferer to 0.95 and more.
CHANGED_SHARE = 0.94
#: Least spread that is believed of parts, of which there are few.
_LEAST_SPREAD_DB = 0.3
#: Parts that are shorter hold a burst of traffic, or none.
_LEAST_PART_SEGMENTS = 3
#: One in so many of what is on either side of a change may hold a part of it, and one.
_GUARD_SHARE = 1 / 32

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """A step of ``step_db`` in a bin against the median one, from segment ``at`` on.

    Where the median bin itself has changed, ``bin`` is None.
    """

    step_db: float
    bin: int | None
    at: int


def change_in(rows_dbfs: Array) -> Change | None:
    """Return the surest change between the segments ``(n_segments, n_bins)`` of a warm-up.

    Looked at are each bin less the median bin of its segment, and that median. For every split
    into two, ``step = mean behind - mean before``, over the spread of the parts around the mean of
    their side: what comes and stays is told from what fades all along. The segment is where the
    cumulative sum about the mean is farthest out (Page 1954). Of any two segments, one before and
    one behind, nearly always the same one is louder (Mann and Whitney 1947): traffic that comes
    late has gaps.
    """
    n_parts = min(N_PARTS, len(rows_dbfs) // _LEAST_PART_SEGMENTS)
    if n_parts < 2 * FEWEST_PARTS:
        return None
    common_db = np.median(rows_dbfs, axis=1, keepdims=True)
    of_bins = _surest(rows_dbfs - common_db, n_parts)
    of_all = _surest(common_db, n_parts)
    if of_all is not None and (of_bins is None or of_all[0] > of_bins[0]):
        return replace(of_all[1], bin=None)
    return None if of_bins is None else of_bins[1]


def _surest(lines_db: Array, n_parts: int) -> tuple[float, Change] | None:
    """Return the surest change in one of the columns, and its step in spreads."""
    bounds = np.linspace(0, len(lines_db), n_parts + 1).round().astype(np.intp)
    parts_db = np.add.reduceat(lines_db, bounds[:-1], axis=0) / np.diff(bounds)[:, None]
    most, step_db, column = CHANGED_SPREADS, 0.0, 0
    for k in range(FEWEST_PARTS, n_parts - FEWEST_PARTS + 1):
        before_db, behind_db = parts_db[:k], parts_db[k:]
        steps_db = behind_db.mean(axis=0) - before_db.mean(axis=0)
        squares = before_db.var(axis=0) * k + behind_db.var(axis=0) * (n_parts - k)
        spreads_db = np.maximum(np.sqrt(squares / (n_parts - 2)), _LEAST_SPREAD_DB)
        distances = np.where(np.abs(steps_db) < CHANGED_DB, 0.0, np.abs(steps_db) / spreads_db)
        farthest = int(distances.argmax())
        if distances[farthest] > most:
            most, step_db, column = float(distances[farthest]), float(steps_db[farthest]), farthest
    line_db = lines_db[:, column]
    at = 1 + int(np.abs(np.cumsum(line_db - line_db.mean()))[:-1].argmax())
    if not step_db or _share_louder(line_db[:at], line_db[at:], step_db) < CHANGED_SHARE:
        return None
    return most, Change(step_db, column, at)


def _share_louder(before_db: Array, behind_db: Array, sign: float) -> float:
    """Return in which share of all pairs the one on the louder side is the louder one."""
    quieter_db, louder_db = (before_db, behind_db) if sign > 0 else (behind_db, before_db)
    n_quieter = np.searchsorted(np.sort(quieter_db), louder_db)
    return float(n_quieter.mean() / len(quieter_db))


def quieter_part(change: Change, n: int) -> slice:
    """Return which of ``n`` things lie on the quieter side of a change, without the change."""
    guard = 1 + int(_GUARD_SHARE * n)
    if change.step_db > 0:
        return slice(0, max(change.at - guard, 0))
    return slice(min(change.at + guard, n), n)


def largest_step(before_dbfs: Array, after_dbfs: Array) -> tuple[float, int]:
    """Return the largest step of a bin against the median bin, in dB, and which it is."""
    steps_db = _beside_median(after_dbfs - before_dbfs)
    bin_ = int(np.abs(steps_db).argmax())
    return float(steps_db[bin_]), bin_


def model_bias(errors_db: Array, spread_db: Array) -> tuple[float, float, int]:
    """Return by how much a bin has been louder than a model expects all along, and which bin.

    A model that has never heard the like of an interferer expects too little of it however long it
    lasts; of a cell it expects too much as often as too little.

    Args:
        errors_db: ``(n_segments, n_bins)``, the model's mean error of each segment.
        spread_db: ``(n_bins,)``, spread of the error of a frame on normal signal.

    Returns:
        The mean error in dB less that of the median bin, the same in spreads, and the bin.
    """
    means_db = _beside_median(errors_db.mean(axis=0))
    bin_ = int((means_db / spread_db).argmax())
    return float(means_db[bin_]), float(means_db[bin_] / spread_db[bin_]), bin_


def _beside_median(values_db: Array) -> Array:
    beside: Array = values_db - np.median(values_db)
    return beside
