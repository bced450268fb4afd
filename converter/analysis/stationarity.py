"""Whether a band is today what it was yesterday, in words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.analysis.day_cycle import DayCycle
from converter.analysis.trend import Trend

__all__ = ["Stationarity", "judge"]

_N_PARTS = 4
#: Quarters that differ by so many standard errors, and by so much, differ.
_ERRORS, _LEAST_DB = 4.0, 0.3
#: ... and by such a ratio in their spread.
_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Stationarity:
    """What the four quarters of a recording have in common.

    ``mean_db`` and ``spread_db`` are theirs, NaN where one has less than two levels; ``moved_db``
    is from the lowest mean to the highest, and ``chance_db`` what a level that stays would show,
    with the memory that this one has. ``words`` says it in sentences.
    """

    mean_db: tuple[float, ...]
    spread_db: tuple[float, ...]
    moved_db: float
    chance_db: float
    level_stays: bool
    spread_stays: bool
    words: str


def judge(
    band_db: NDArray[np.float64], memory: float, trend: Trend, cycle: DayCycle | None
) -> Stationarity:
    """Return whether the level of a band and its spread stay.

    Args:
        band_db: at an even pace, with its trend but without its day; NaN where there is none.
        memory: correlation of one value with the next: values that hang together are fewer than
            they look, ``n (1 - r) / (1 + r)``.
        trend: of the band.
        cycle: of its day, None where there is none to be seen.
    """
    parts = [part[np.isfinite(part)] for part in np.array_split(band_db, _N_PARTS)]
    means = [float(part.mean()) if len(part) > 1 else np.nan for part in parts]
    spreads = [float(part.std(ddof=1)) if len(part) > 1 else np.nan for part in parts]
    moved_db = float(np.nanmax(means) - np.nanmin(means))
    n_least = min((len(part) for part in parts if len(part) > 1), default=1)
    n_free = max(n_least * (1 - memory) / (1 + memory), 1.0)
    chance_db = _ERRORS * float(np.sqrt(np.nanmean(np.square(spreads)) / n_free))
    level_stays = moved_db <= max(chance_db, _LEAST_DB)
    widest, narrowest = float(np.nanmax(spreads)), float(np.nanmin(spreads))
    spread_stays = widest <= max(_RATIO * narrowest, narrowest + _LEAST_DB)
    words = " ".join(
        [
            _of_level(level_stays, moved_db, chance_db, trend),
            _of_spread(spread_stays, narrowest, widest),
            _of_day(cycle),
        ]
    )
    return Stationarity(
        tuple(means), tuple(spreads), moved_db, chance_db, level_stays, spread_stays, words
    )


def _of_level(stays: bool, moved_db: float, chance_db: float, trend: Trend) -> str:
    if stays:
        return (
            f"The level stays: its quarters differ by {moved_db:.2f} dB, and up to "
            f"{max(chance_db, _LEAST_DB):.2f} dB would be chance."
        )
    return (
        f"The level moves: its quarters differ by {moved_db:.2f} dB, where up to "
        f"{chance_db:.2f} dB would be chance; the line through it goes by "
        f"{trend.moved_db:+.2f} dB from the beginning to the end."
    )


def _of_spread(stays: bool, narrowest: float, widest: float) -> str:
    if stays:
        return f"Its spread stays, between {narrowest:.2f} and {widest:.2f} dB."
    return f"Its spread changes, from {narrowest:.2f} to {widest:.2f} dB: what is normal changes."


def _of_day(cycle: DayCycle | None) -> str:
    if cycle is None:
        return "It is too short for a cycle of the day: that takes two days."
    if cycle.is_there:
        return (
            f"It has a day: hours differ by {cycle.swing_db:.1f} dB and explain {cycle.share:.0%} "
            "of how hourly means vary, so it is stationary from day to day at best."
        )
    return f"It has no day that shows: hours explain {cycle.share:.0%} of how hourly means vary."
