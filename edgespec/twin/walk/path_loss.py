"""Path loss of one unit over distance: two slopes above the unit's own noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PathLoss", "fit_path_losses"]

FloatArray = NDArray[np.float64]

#: Nearer than this counts as this, in metres: positions of a walk are no better.
_NEAREST_M = 10.0

#: How sharp the bend between the slopes is, in decades of distance.
_BEND = 8.0

#: A unit's level at 100 m, slopes, bend, and their spread among units (in dB, -, -, decades, dB).
_START = np.array([-60.0, 3.0, 1.0, 2.7])
_SPREAD = np.array([25.0, 0.6, 0.8, 0.25])
_FLOOR_SPREAD_DB = 4.0

#: Deviations beyond this count less and less, in dB: shadowing has tails.
_USUAL_DB = 8.0

#: The floor of a unit is begun with at this percentile of its levels.
_FLOOR_PERCENT = 2.0

#: So many places weigh as much as what is known of all units.
_PRIOR_PLACES = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class PathLoss:
    """``signal = level - 10 n1 log10(d / 100 m) - 10 n2 log10(1 + d / bend)``, and the noise.

    ``level_db`` is the level at 100 m; ``first`` and ``more`` are the exponent before the bend and
    what it adds behind it; ``bend`` is log10 of its distance in metres; ``floor_db`` the level
    that the unit reads without a signal. All in the unit of the reports.
    """

    level_db: float
    first: float
    more: float
    bend: float
    floor_db: float

    def signal_db(self, distance_m: FloatArray) -> FloatArray:
        """Return what arrives over a distance, without noise."""
        decades = np.log10(np.maximum(distance_m, _NEAREST_M))
        behind = np.logaddexp(0.0, (decades - self.bend) * _BEND) / _BEND
        return np.asarray(
            self.level_db - 10.0 * self.first * (decades - 2.0) - 10.0 * self.more * behind
        )

    def heard_db(self, distance_m: FloatArray) -> FloatArray:
        """Return what the unit reads: signal and noise."""
        return over_floor_db(self.signal_db(distance_m), self.floor_db)


def over_floor_db(signal_db: FloatArray, floor_db: FloatArray | float) -> FloatArray:
    """Return the power of signal and noise together, in dB."""
    return np.asarray(
        10.0
        / np.log(10.0)
        * np.logaddexp(
            signal_db * (np.log(10.0) / 10.0), np.asarray(floor_db) * (np.log(10.0) / 10.0)
        )
    )


def fit_path_losses(distances_m: list[FloatArray], levels_db: list[FloatArray]) -> list[PathLoss]:
    """Return the path loss of each unit; slopes of units that say little are those of the others.

    Args:
        distances_m: of each unit, to the places where it was heard, ``(n_places,)``.
        levels_db: what it read there.
    """
    pooled = _START
    fits: list[FloatArray] = []
    for _ in range(2):
        fits = [
            _fitted(distance_m, level_db, pooled)
            for distance_m, level_db in zip(distances_m, levels_db, strict=True)
        ]
        pooled = np.median(fits, axis=0)[:4]
    return [PathLoss(*map(float, fit)) for fit in fits]


def _fitted(distance_m: FloatArray, level_db: FloatArray, pooled: FloatArray) -> FloatArray:
    from scipy.optimize import least_squares

    floor_db = float(np.percentile(level_db, _FLOOR_PERCENT))
    weight = np.sqrt(len(level_db) / _PRIOR_PLACES)
    start = np.array([np.percentile(level_db, 90.0), *pooled[1:4], floor_db])

    def deviations(values: FloatArray) -> FloatArray:
        model = PathLoss(*map(float, values))
        off = (model.heard_db(distance_m) - level_db) / _USUAL_DB
        prior = weight * (values[1:4] - pooled[1:4]) / _SPREAD[1:]
        return np.concatenate([off, prior, [weight * (values[4] - floor_db) / _FLOOR_SPREAD_DB]])

    return np.asarray(least_squares(deviations, start, loss="soft_l1").x)
