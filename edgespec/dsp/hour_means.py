"""Means of the power of each bin over whole hours of UTC, for those that are not long past."""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.side_input import HOUR_NS, SideInput

__all__ = ["LEAST_LOOKS", "HourMeans"]

#: Looks, minutes or sweeps, that an hour has at least where it is known.
LEAST_LOOKS = 3
_NEVER = np.iinfo(np.int64).min


class HourMeans:
    """Adds up looks at a band by the hour in which they began, and forgets what is long past.

    A mean is of the power, not of decibels, and every look counts the same. Hours go by what UTC
    says. Where it is set back, what was said of hours that have not come yet is forgotten; where it
    is set forward, the hours between are unknown.

    Args:
        n_bins: of a look.
        n_hours: how far back is remembered.
    """

    def __init__(self, n_bins: int, n_hours: int) -> None:
        # One more: the hour that goes on.
        self._hours = np.full(n_hours + 1, _NEVER, np.int64)
        self._power = np.zeros((n_hours + 1, n_bins))
        self._n_looks = np.zeros((n_hours + 1, n_bins), np.uint32)

    @property
    def newest_hour(self) -> int:
        """The last hour of which there is a look, since 1970; far below 0 where there is none."""
        return int(self._hours.max())

    def add(self, utc_ns: int, mean_db: FloatArray) -> None:
        """Take a look, float32 ``(n_bins,)``; a bin that is not a number was not looked at."""
        hour = utc_ns // HOUR_NS
        self._hours[self._hours > hour] = _NEVER
        slot = hour % len(self._hours)
        if self._hours[slot] != hour:
            self._hours[slot] = hour
            self._power[slot] = 0.0
            self._n_looks[slot] = 0
        is_there = np.isfinite(mean_db)
        power = 10.0 ** (np.where(is_there, mean_db, -np.inf) / 10.0)
        self._power[slot] += power
        self._n_looks[slot] += is_there

    def rows(self, side: SideInput, utc_ns: int) -> FloatArray:
        """Return a side input for a horizon that begins then, float32 ``(n_rows, n_bins)`` in dB.

        NaN where a bin is not known. An hour is known with :data:`LEAST_LOOKS`; of a longer span,
        half of the hours must be, and each of those counts the same.
        """
        now = utc_ns // HOUR_NS
        begins = [now - side.step_hours * row for row in range(side.n_rows, 0, -1)]
        rows = np.stack([self._mean(begin, side.span_hours) for begin in begins])
        with np.errstate(divide="ignore"):
            return np.asarray(10.0 * np.log10(rows), np.float32)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain."""
        self._power *= 10.0 ** (step_db / 10.0)

    def _mean(self, begin: int, span_hours: int) -> NDArray[np.float64]:
        """Return the mean power over hours, NaN where it is not known."""
        hours = begin + np.arange(span_hours)
        slots = hours % len(self._hours)
        slots = slots[self._hours[slots] == hours]
        n_looks = self._n_looks[slots]
        is_known = n_looks >= LEAST_LOOKS
        n_known = is_known.sum(axis=0)
        means = self._power[slots] / np.maximum(n_looks, 1)
        mean = np.where(is_known, means, 0.0).sum(axis=0) / np.maximum(n_known, 1)
        return np.where(2 * n_known >= span_hours, mean, np.nan)
