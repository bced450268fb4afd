"""What the hours of a day have in common, from day to day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.analysis.trend import DAY_S

__all__ = ["DayCycle", "day_cycle"]

_HOUR_S = 3600.0
#: With fewer hours of the day, or less time than two days, nothing can be said of a day.
_LEAST_HOURS, _LEAST_DAYS = 20, 2.0


@dataclass(frozen=True, slots=True)
class DayCycle:
    """Levels by the hour of the day in UTC, without the trend, in dB around 0.

    ``mean_db`` and ``spread_db`` are those of the same hour on different days, 24 values, NaN where
    there is none; ``n_days`` how many days are in them. ``swing_db`` is from the lowest of the
    hours to the highest, give or take ``error_db``, and ``share`` how much of the variance of
    hourly means the hours explain, beyond what hours that mean nothing would.
    """

    mean_db: tuple[float, ...]
    spread_db: tuple[float, ...]
    n_days: int
    swing_db: float
    error_db: float
    share: float

    @property
    def is_there(self) -> bool:
        """Whether hours differ by more than the same hour does from day to day."""
        return self.share > 0.25 and self.swing_db > 3 * self.error_db

    def at(self, utc_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the level that the hour has at each time, in dB around 0; 0 where unknown."""
        hour = (utc_s // _HOUR_S).astype(np.int64) % 24
        return np.asarray(np.nan_to_num(np.asarray(self.mean_db))[hour], np.float64)


def day_cycle(utc_s: NDArray[np.float64], rest_db: NDArray[np.float64]) -> DayCycle | None:
    """Return the cycle of a day, or None where less than two days of it were heard.

    Args:
        utc_s: seconds since 1970 in UTC.
        rest_db: levels without their trend; NaN where there is none.
    """
    if utc_s[-1] - utc_s[0] < _LEAST_DAYS * DAY_S - _HOUR_S:
        return None
    is_there = np.isfinite(rest_db)
    hour = (utc_s[is_there] // _HOUR_S).astype(np.int64)
    hours, place = np.unique(hour, return_inverse=True)
    of_hour = np.bincount(place, rest_db[is_there]) / np.bincount(place)
    means, spreads, counts = (np.full(24, np.nan) for _ in range(3))
    for clock in range(24):
        same = of_hour[hours % 24 == clock]
        if len(same):
            means[clock], counts[clock] = same.mean(), len(same)
        if len(same) > 1:
            spreads[clock] = same.std(ddof=1)
    known = np.isfinite(spreads)
    if known.sum() < _LEAST_HOURS:
        return None
    within = float(np.nansum(spreads**2 * (counts - 1)) / np.nansum(counts[known] - 1))
    total = float(of_hour.var(ddof=1))
    share = max(1.0 - within / total, 0.0) if total > 0 else 0.0
    errors = spreads[known] / np.sqrt(counts[known])
    return DayCycle(
        tuple(float(mean) for mean in means),
        tuple(float(spread) for spread in spreads),
        int(np.nanmax(counts)),
        float(np.nanmax(means) - np.nanmin(means)),
        float(np.sqrt(2) * np.sqrt(np.mean(errors**2))),
        share,
    )
