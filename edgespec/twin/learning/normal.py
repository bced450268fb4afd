"""What residuals are normal at a site: bias, scale and tail for every unit and subband."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.learning.history import History
from edgespec.twin.learning.student import choose_tail, fit_scales
from edgespec.twin.level_kind import MISSING

__all__ = [
    "FEWEST_SNAPSHOTS",
    "NormalStatistics",
    "clean",
    "learn_normal",
    "median_of_known",
    "window_rows",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: Fewer normal snapshots than this teach nothing.
FEWEST_SNAPSHOTS = 20

#: Windows need not overlap more than by three quarters to be so many.
_ENOUGH_WINDOWS = 100

#: The knowledge of all subbands of a unit counts like this many snapshots of one of them.
_PRIOR_SNAPSHOTS = 20.0

#: Scales where nothing was learnt, in dB: of noise, and of what transmitters give.
_UNKNOWN_SCALE_DB = (1.0, 6.0)

#: No scale is believed to be smaller, in dB: receivers are not steadier.
_SMALLEST_SCALE_DB = 0.5

#: A snapshot this many robust deviations above the others is no normal one.
_OUTLIER = 6.0

_MOST_SCALES = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class NormalStatistics:
    """Statistics of normal residuals, apart for noise (0) and what transmitters occupy (1).

    A wrong path gain shows only where a transmitter is heard, so the two differ.

    ``bias_db`` float64 ``(2, n_units, n_subbands)``; ``scale_db`` float64 ``(n_windows, 2, n_units,
    n_subbands)``: scale of Student's t of one snapshot, and of the mean over several; ``doublings``
    of each window: its degrees of freedom are ``2^(doublings + 1) - 1``.
    """

    bias_db: FloatArray
    scale_db: FloatArray
    doublings: tuple[int, ...]

    def bias_for(self, is_occupied: BoolArray) -> FloatArray:
        """Return the bias where occupied or not: float64 of the same shape."""
        return np.asarray(np.where(is_occupied, self.bias_db[1], self.bias_db[0]))

    def scale_for(self, window: int, is_occupied: BoolArray) -> FloatArray:
        """Return the scale of a window where occupied or not."""
        return np.asarray(np.where(is_occupied, self.scale_db[window, 1], self.scale_db[window, 0]))


def learn_normal(history: History, window_lengths: tuple[int, ...]) -> NormalStatistics:
    """Learn from normal snapshots.

    Raises:
        ConfigError: fewer than 20 of them.
    """
    if len(history) < FEWEST_SNAPSHOTS:
        raise ConfigError(
            f"{len(history)} normal snapshots are too few to learn from; give at least "
            f"{FEWEST_SNAPSHOTS}, and better some hundreds"
        )
    residual_db = history.residual_db
    bias_db = np.stack([_bias(_of_class(residual_db, history, one)) for one in (0, 1)])
    free_db = residual_db - np.where(history.is_occupied, bias_db[1], bias_db[0])
    scales, doublings = [], []
    for length in window_lengths:
        rows = window_rows(len(history), length)
        with np.errstate(invalid="ignore"):
            means_db = np.stack([_mean(free_db[start : start + length]) for start in rows])
            occupied = np.stack(
                [history.is_occupied[start : start + length].mean(axis=0) > 0.5 for start in rows]
            )
        classes = [np.where(occupied == bool(one), means_db, np.nan) for one in (0, 1)]
        flat = np.concatenate([one.reshape(len(rows), -1) for one in classes], axis=1)
        doublings.append(choose_tail(flat))
        scales.append(
            np.stack(
                [_scale(classes[one], doublings[-1], _UNKNOWN_SCALE_DB[one]) for one in (0, 1)]
            )
        )
    return NormalStatistics(bias_db, np.stack(scales), tuple(doublings))


def window_rows(n_snapshots: int, length: int) -> range:
    """Return the first snapshots of windows that overlap by three quarters, or more if few."""
    stride = max(1, min(length // 4, (n_snapshots - length) // _ENOUGH_WINDOWS))
    return range(0, max(1, n_snapshots - length + 1), stride)


def clean(history: History, n_rounds: int = 3) -> History:
    """Return the history without outliers: snapshots in which too many units hear too much.

    A snapshot counts by the mean of its residuals, in scales and clipped, so that a single unit
    does not condemn it; it is left out if that is more than six robust deviations above the median
    (Schoesser et al. 2024, sec. III-B: clean training data).

    Raises:
        ConfigError: fewer than 20 snapshots are left.
    """
    kept = (history.kind != MISSING).any(axis=1)
    for _ in range(n_rounds):
        normal = learn_normal(history.chosen(kept), (1,))
        free_db = history.residual_db - normal.bias_for(history.is_occupied)
        scaled = np.clip(
            free_db / normal.scale_for(0, history.is_occupied), -_MOST_SCALES, _MOST_SCALES
        )
        loud = _mean(scaled.reshape(len(scaled), -1).T)
        # Of which less than half was heard, nothing can be said: it is left out, too.
        kept = kept & np.isfinite(loud)
        if not kept.any():
            break
        middle = np.median(loud[kept])
        spread = 1.4826 * np.median(np.abs(loud[kept] - middle)) + 1e-9
        now = kept & (loud <= middle + _OUTLIER * spread)
        if (now == kept).all():
            break
        kept = now
    return history.chosen(kept)


def _of_class(residual_db: FloatArray, history: History, occupied: int) -> FloatArray:
    return np.where(history.is_occupied == bool(occupied), residual_db, np.nan)


def _bias(values_db: FloatArray) -> FloatArray:
    """Return the median of each unit and subband, drawn to its unit's where few are known."""
    n_units = values_db.shape[1]
    own = median_of_known(values_db)
    of_unit = median_of_known(values_db.transpose(0, 2, 1).reshape(-1, n_units))
    of_all = median_of_known(values_db.reshape(-1, 1))[0]
    of_unit = np.where(np.isfinite(of_unit), of_unit, of_all if np.isfinite(of_all) else 0.0)
    n_known = np.isfinite(values_db).sum(axis=0)
    weighted = n_known * np.nan_to_num(own) + _PRIOR_SNAPSHOTS * of_unit[:, None]
    return np.asarray(weighted / (n_known + _PRIOR_SNAPSHOTS))


def _scale(values_db: FloatArray, doublings: int, unknown_db: float) -> FloatArray:
    """Return the scale of each unit and subband, drawn to its unit's where few are known."""
    n_units = values_db.shape[1]
    own = fit_scales(values_db, doublings)
    of_unit = fit_scales(values_db.transpose(0, 2, 1).reshape(-1, n_units), doublings)
    of_all = fit_scales(values_db.reshape(-1, 1), doublings)[0]
    of_unit = np.where(np.isfinite(of_unit), of_unit, of_all if np.isfinite(of_all) else unknown_db)
    n_known = np.isfinite(values_db).sum(axis=0)
    weighted = n_known * np.nan_to_num(own) ** 2 + _PRIOR_SNAPSHOTS * of_unit[:, None] ** 2
    scale_db = np.sqrt(weighted / (n_known + _PRIOR_SNAPSHOTS))
    return np.asarray(np.maximum(scale_db, _SMALLEST_SCALE_DB))


def median_of_known(values: FloatArray) -> FloatArray:
    """Return the median over axis 0 of what is not NaN; NaN where nothing is."""
    ordered = np.sort(values, axis=0)
    n_known = np.isfinite(values).sum(axis=0)
    low = np.maximum((n_known - 1) // 2, 0)[None]
    high = np.minimum(n_known // 2, len(values) - 1)[None]
    middle = np.take_along_axis(ordered, low, 0) + np.take_along_axis(ordered, high, 0)
    return np.where(n_known > 0, 0.5 * middle[0], np.nan)


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean over axis 0 of what is not NaN; NaN where less than half is known."""
    known = np.isfinite(values)
    n_known = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(2 * n_known >= len(values), total / np.maximum(n_known, 1), np.nan)
