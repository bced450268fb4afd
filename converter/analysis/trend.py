"""A straight line through levels, and what is left without it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DAY_S", "Trend", "detrend"]

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Trend:
    """The line that is nearest to levels, in squares.

    ``level_db`` is its level in the middle of the time; it goes by ``db_a_day``, which is
    ``moved_db`` from the first to the last. ``spread_db`` is the standard deviation of the levels,
    ``rest_db`` that of what is left without it.
    """

    level_db: float
    db_a_day: float
    moved_db: float
    spread_db: float
    rest_db: float


def detrend(
    utc_s: NDArray[np.float64], level_db: NDArray[np.float64]
) -> tuple[Trend, NDArray[np.float64]]:
    """Return the line through levels and what is left of them, NaN where there was none."""
    is_there = np.isfinite(level_db)
    middle_s = float(utc_s[0] + utc_s[-1]) / 2
    days = (utc_s - middle_s) / DAY_S
    slope, level = np.polynomial.polynomial.polyfit(days[is_there], level_db[is_there], 1)[::-1]
    rest_db = level_db - (level + slope * days)
    trend = Trend(
        float(level),
        float(slope),
        float(slope * (days[-1] - days[0])),
        float(np.std(level_db[is_there])),
        float(np.std(rest_db[is_there])),
    )
    return trend, rest_db
