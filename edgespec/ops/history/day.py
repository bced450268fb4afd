"""Minutes by the hour of the day at which they were: what a usual day is like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.history.heat import row_on
from edgespec.ops.history.report import BandHistory
from edgespec.records import FloatArray

__all__ = ["DayCycle", "day_cycle"]

_DAY_NS = 86_400_000_000_000
#: Slots of a day: quarters of an hour, and hours where that would be more cells than these.
_SLOTS, _MOST_CELLS = (96, 24), 40_000_000


@dataclass(frozen=True, slots=True, eq=False)
class DayCycle:
    """What was heard at each time of the day in UTC; NaN where nothing was.

    ``values`` float32 ``(n_slots, n_bins)`` are medians over days of the trace, each of the mean
    over the minutes of a slot, in decibels. ``levels`` float32 ``(n_days, n_slots)`` is the power
    of the band on each day, ``days`` int64 ``(n_days,)`` since 1970 says which. ``freqs_hz`` are
    the bins.
    """

    values: FloatArray
    levels: FloatArray
    days: NDArray[np.int64]
    freqs_hz: NDArray[np.float64]


def day_cycle(found: BandHistory, trace: str) -> DayCycle:
    """Return the usual day of all minutes, at least one, on the frequencies of the last.

    One day's guest does not show: a median of three days has no room for it.
    """
    freqs_hz = found.minutes[-1].minute.freqs_hz
    days, at = np.unique(
        [one.minute.utc_ns // _DAY_NS for one in found.minutes], return_inverse=True
    )
    n_slots = next((n for n in _SLOTS if len(days) * n * len(freqs_hz) <= _MOST_CELLS), _SLOTS[-1])
    # The level of the band stands behind its bins.
    sums = np.zeros((len(days), n_slots, len(freqs_hz) + 1), np.float32)
    counts = np.zeros(sums.shape, np.uint16)
    row, unit = np.empty(len(freqs_hz) + 1, np.float32), found.unit
    for one, day in zip(found.minutes, at, strict=True):
        slot = one.minute.utc_ns % _DAY_NS * n_slots // _DAY_NS
        row[:-1] = row_on(freqs_hz, one, unit, trace)
        row[-1] = one.minute.level_dbfs + found.offset_db(one.scale)
        is_there = np.isfinite(row)
        sums[day, slot] += np.where(is_there, row, np.float32(0.0))
        counts[day, slot] += is_there
    sums[counts == 0] = np.nan
    sums /= np.maximum(counts, 1)
    return DayCycle(_medians(sums[..., :-1]), sums[..., -1], days, freqs_hz)


def _medians(values: FloatArray) -> FloatArray:
    """Return the medians over the first axis of what is there, NaN where nothing is."""
    ordered = np.sort(values, axis=0)
    n_there = np.isfinite(ordered).sum(axis=0)
    lower, upper = (np.maximum(n_there - 1, 0) // 2, n_there // 2)
    # NaN is sorted behind all numbers, and where there is none it is what is found.
    upper = np.minimum(upper, len(values) - 1)
    pair = (np.take_along_axis(ordered, at[np.newaxis], axis=0)[0] for at in (lower, upper))
    return np.asarray(sum(pair) / np.float32(2.0), np.float32)
