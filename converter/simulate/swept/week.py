"""How busy it is at each time of a week."""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.cells import DAY_CURVE

__all__ = ["DAY_S", "HOUR_S", "busyness", "warmth"]

HOUR_S, DAY_S = 3600.0, 86_400.0
_CURVE = np.asarray(DAY_CURVE, np.float64)
#: From nothing at the quietest hour to 1 at the busiest one.
_BUSY = (_CURVE - _CURVE.min()) / (_CURVE.max() - _CURVE.min())
#: 1970 began on a Thursday.
_FIRST_DAY = 3
_WARMEST_H = 15.0


def busyness(utc_s: NDArray[np.float64], weekend: float) -> NDArray[np.float64]:
    """Return how busy it is, 0 at the quietest time and 1 at the busiest, float64 as ``utc_s``.

    The curve of a day goes from the middle of one hour to that of the next; on Saturday and Sunday
    it is ``weekend`` times that of other days. Hours and days are those of UTC.
    """
    hours = utc_s % DAY_S / HOUR_S - 0.5
    busy = np.interp(hours, np.arange(24), _BUSY, period=24.0)
    weekday = (utc_s // DAY_S + _FIRST_DAY) % 7
    return np.asarray(np.where(weekday >= 5, weekend * busy, busy), np.float64)


def warmth(utc_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how warm it is, from -1 in the night to 1 in the afternoon, float64 as ``utc_s``."""
    angle = 2 * np.pi * (utc_s / HOUR_S - _WARMEST_H) / 24.0
    return np.asarray(np.cos(angle), np.float64)
