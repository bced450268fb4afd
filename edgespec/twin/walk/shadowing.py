"""Shadowing around the path loss of one unit: a Gaussian process over the places of a walk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.walk.path_loss import PathLoss

__all__ = ["Lengths", "Shadowing", "Thinned", "thinned"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
DayArray = NDArray[np.int64]

#: Deviations of the parts of shadowing, in dB: of what stands near the place, of its quarter, of
#: what stands between it and the unit, and of the unit from day to day.
_NEAR_DB, _WIDE_DB, _ANGLE_DB, _DAY_DB = 3.5, 4.5, 3.0, 5.0
#: Over which angle and ratio of distances what stands between is another.
_ANGLE_RAD, _RATIO = 0.35, 1.0
#: The quarter is so many times as long as what stands near the place.
_WIDE_TIMES = 11.0
#: Angles from nearer than this share of that length say nothing.
_NEAREST_TIMES = 0.5

#: Deviation of one reading beside shadowing, in dB; many readings of one place share three.
_READING_DB = 2.5
_MOST_READINGS = 3.0

#: Cells of the grid that are computed together.
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Lengths:
    """How shadowing changes over a site: all lengths follow from the shortest.

    ``near_m`` in metres; ``depth`` multiplies what is usual of its deviations.
    """

    near_m: float
    depth: float = 1.0

    @property
    def wide_m(self) -> float:
        """Length of a quarter."""
        return _WIDE_TIMES * self.near_m

    @property
    def cell_m(self) -> float:
        """Readings within a square of this side are of one place."""
        return 0.5 * self.near_m

    @property
    def block_m(self) -> float:
        """Squares of this side have little in common with what is more than one away."""
        return 4.6 * self.near_m


@dataclass(frozen=True, slots=True, eq=False)
class Thinned:
    """Mean levels of a unit in small cells: ``counts`` readings of one of ``days`` around each of
    ``places_m``."""

    places_m: FloatArray
    levels_db: FloatArray
    counts: FloatArray
    days: DayArray


def thinned(
    places_m: FloatArray, levels_db: FloatArray, days: DayArray, cell_m: float, most: int
) -> Thinned:
    """Return means over cells and days, in cells so large that there are at most ``most``."""
    while True:
        keys = np.column_stack([np.floor(places_m / cell_m).astype(np.int64), days])
        found, inverse = np.unique(keys, axis=0, return_inverse=True)
        if len(found) <= most:
            break
        cell_m *= 1.25
    inverse = inverse.ravel()
    counts = np.bincount(inverse).astype(np.float64)
    means = [np.bincount(inverse, one) / counts for one in (*places_m.T, levels_db)]
    return Thinned(np.column_stack(means[:2]), means[2], counts, found[:, 2])


class Shadowing:
    """Levels of one unit: its path loss, and shadowing from the places where it was heard.

    The covariance of two readings is ``s1^2 exp(-d/near) + s2^2 exp(-d/wide) + s3^2 exp(-angle/.35
    - |ln ratio of distances|)``, the angle seen from the unit, plus ``s4^2`` if they are of one
    day (Rasmussen and Williams 2006, ch. 2). Levels are told for a day like those of the walk.

    Args:
        loss: of the unit.
        lengths: of the site.
        unit_m: its place ``(2,)``.
        walk: where it was heard.
    """

    def __init__(self, loss: PathLoss, lengths: Lengths, unit_m: FloatArray, walk: Thinned) -> None:
        from scipy.linalg import cho_factor, cho_solve

        self._loss, self._lengths, self._unit_m, self._walk = loss, lengths, unit_m, walk
        rest_db = walk.levels_db - loss.heard_db(np.hypot(*(walk.places_m - unit_m).T))
        covariance = self._covariance(walk.places_m)
        same = walk.days[:, None] == walk.days[None, :]
        covariance += np.float32(_DAY_DB**2) * same
        noise = _READING_DB**2 / np.minimum(walk.counts, _MOST_READINGS)
        covariance[np.diag_indices_from(covariance)] += noise.astype(np.float32)
        self._factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
        self._weights = cho_solve(self._factor, rest_db.astype(np.float32), check_finite=False)
        self._day = _day_covariance(walk)
        log_volume = float(np.log(np.diag(self._factor[0])).sum(dtype=np.float64))
        #: Logarithm of the likelihood of the walk, a reading.
        self.likelihood = (-0.5 * float(rest_db @ self._weights) - log_volume) / len(rest_db)

    def days_db(self) -> dict[int, float]:
        """Return how far the unit was off on each day, from its mean over the walk."""
        found = np.unique(self._walk.days)
        off_db = [_DAY_DB**2 * float(self._weights[self._walk.days == day].sum()) for day in found]
        usual_db = float(self._day @ self._weights)
        return {int(day): one - usual_db for day, one in zip(found, off_db, strict=True)}

    def levels_db(self, places_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return level and its variance (of one reading, dB^2) at places ``(n, 2)``."""
        from scipy.linalg import solve_triangular

        level_db = self._loss.heard_db(np.hypot(*(places_m - self._unit_m).T))
        variance = np.empty(len(places_m))
        total = self._lengths.depth**2 * (_NEAR_DB**2 + _WIDE_DB**2 + _ANGLE_DB**2)
        total += float(self._day.max(initial=0.0))
        for start in range(0, len(places_m), _CHUNK):
            part = slice(start, start + _CHUNK)
            covariance = self._covariance(places_m[part]) + self._day[None, :]
            level_db[part] += covariance @ self._weights
            known = solve_triangular(
                self._factor[0], covariance.T, lower=True, overwrite_b=True, check_finite=False
            )
            variance[part] = np.maximum(total - np.einsum("ij,ij->j", known, known), 0.0)
        return level_db, variance + _READING_DB**2

    def _covariance(self, places_m: FloatArray) -> Float32Array:
        """Return the covariance of places with those of the walk: float32 ``(n, n_walk)``."""
        near_m, wide_m = np.float32(self._lengths.near_m), np.float32(self._lengths.wide_m)
        one = (places_m - self._unit_m).astype(np.float32)
        other = (self._walk.places_m - self._unit_m).astype(np.float32)
        x, y = one[:, None, 0] - other[None, :, 0], one[:, None, 1] - other[None, :, 1]
        distance_m = np.sqrt(x * x + y * y)
        angle = np.abs(_angle(one)[:, None] - _angle(other)[None, :])
        angle = np.minimum(angle, np.float32(2.0 * np.pi) - angle)
        nearest_m = np.float32(_NEAREST_TIMES) * near_m
        logs = [np.log(np.maximum(np.hypot(*ends.T), nearest_m)) for ends in (one, other)]
        ratio = np.abs(logs[0][:, None] - logs[1][None, :])
        covariance = np.float32(_NEAR_DB**2) * np.exp(distance_m / -near_m)
        covariance += np.float32(_WIDE_DB**2) * np.exp(distance_m / -wide_m)
        covariance += np.float32(_ANGLE_DB**2) * np.exp(
            angle / np.float32(-_ANGLE_RAD) + ratio / np.float32(-_RATIO)
        )
        covariance *= np.float32(self._lengths.depth**2)
        return np.asarray(covariance)


def _angle(places_m: Float32Array) -> Float32Array:
    return np.arctan2(places_m[:, 1], places_m[:, 0])


def _day_covariance(walk: Thinned) -> Float32Array:
    """Return the covariance of a day like those of the walk with each of its readings."""
    _, inverse, n = np.unique(walk.days, return_inverse=True, return_counts=True)
    return np.asarray(_DAY_DB**2 * (n / n.sum())[inverse], np.float32)
