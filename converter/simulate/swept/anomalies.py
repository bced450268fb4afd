"""Ten classes of anomalies in sweeps: four kinds, and every two of them at once."""

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError

__all__ = ["ANOMALY_CLASSES", "add_anomaly", "draw_anomaly"]

Plane = NDArray[np.float64]
Draw = Callable[[int, int, np.random.Generator], Plane]

#: A point's filter is as wide as the points are apart, at half of its power: a Gaussian.
_FILTER = 4 * np.log(2)


def draw_anomaly(name: str, n_sweeps: int, n_points: int, rng: np.random.Generator) -> Plane:
    """Return the power of an anomaly in a plane of sweeps, float64 ``(n_sweeps, n_points)``.

    Summed over the points, it is 1 in the mean over the sweeps in which it is there, and 0 in the
    others. Of a mix, each of the two has half of the power while it is there. Where it is, how long
    and at what rate is drawn (Peng et al. 2022, sec. 4.1); it is there in one sweep at least.

    Raises:
        UsageError: the class is unknown, or there is no sweep or no point.
    """
    if name not in ANOMALY_CLASSES:
        raise UsageError(f"the anomaly is {name!r}; known are {', '.join(ANOMALY_CLASSES)}")
    if n_sweeps < 1 or n_points < 1:
        raise UsageError(f"an anomaly needs a plane; this one is {n_sweeps} x {n_points}")
    plane = np.zeros((n_sweeps, n_points))
    for kind in name.split("+"):
        plane += _unit(_KINDS[kind](n_sweeps, n_points, rng))
    return _unit(plane)


def add_anomaly(
    levels_dbm: NDArray[np.float32], plane: Plane, power_mw: float
) -> NDArray[np.float32]:
    """Return levels with an anomaly of a mean power, added as powers; what is NaN stays so.

    Args:
        levels_dbm: ``(n_sweeps, n_points)``.
        plane: of :func:`draw_anomaly`.
        power_mw: summed over the points, in the mean over the sweeps in which it is there: the
            ISR times the power of the band's own signals (EVALUATION, 2).
    """
    power = 10 ** (levels_dbm.astype(np.float64) / 10) + power_mw * plane
    return (10 * np.log10(power)).astype(np.float32)


def _unit(plane: Plane) -> Plane:
    total = plane.sum(axis=1)
    return np.asarray(plane / total[total > 0].mean(), np.float64)


def _stretch(n_sweeps: int, rng: np.random.Generator) -> slice:
    """Return the sweeps in which it is there: a tenth of all of them to all."""
    length = max(round(n_sweeps * rng.uniform(0.1, 1.0)), 1)
    first = int(rng.integers(0, n_sweeps - length + 1))
    return slice(first, first + length)


def _line(center: float | NDArray[np.float64], n_points: int) -> NDArray[np.float64]:
    """Return what a sinusoid leaves in each point, ``center`` being in points: a Gaussian."""
    distance = np.arange(n_points) - np.asarray(center)[..., None]
    return np.asarray(np.exp(-_FILTER * distance**2), np.float64)


def _keyed(n_sweeps: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return in which sweeps a pulse is on: again each few sweeps, in a stretch of its own."""
    stretch = _stretch(n_sweeps, rng)
    period = int(rng.integers(2, 11))
    n_on = int(rng.integers(1, period))
    sweeps = np.arange(n_sweeps)
    on = (sweeps - stretch.start) % period < n_on
    return np.asarray(on & (sweeps >= stretch.start) & (sweeps < stretch.stop), np.bool_)


def _tone(n_sweeps: int, n_points: int, rng: np.random.Generator) -> Plane:
    """One to three sinusoids that stay."""
    plane = np.zeros((n_sweeps, n_points))
    centers = rng.uniform(0, n_points - 1, int(rng.integers(1, 4)))
    plane[_stretch(n_sweeps, rng)] = _line(centers, n_points).sum(axis=0)
    return plane


def _pulse(n_sweeps: int, n_points: int, rng: np.random.Generator) -> Plane:
    """One to eight neighbouring points, keyed."""
    width = int(rng.integers(1, min(8, n_points) + 1))
    first = int(rng.integers(0, n_points - width + 1))
    plane = np.zeros((n_sweeps, n_points))
    plane[_keyed(n_sweeps, rng), first : first + width] = 1.0
    return plane


def _chirp(n_sweeps: int, n_points: int, rng: np.random.Generator) -> Plane:
    """A line that moves through a span of its own, and begins there again, either way."""
    rate = float(np.exp(rng.uniform(np.log(0.2), np.log(8.0))) * rng.choice([-1.0, 1.0]))
    span = rng.uniform(0.2, 1.0) * (n_points - 1)
    lowest = rng.uniform(0.0, n_points - 1 - span)
    start = rng.uniform(0.0, max(span, 1e-9))
    stretch = _stretch(n_sweeps, rng)
    moved = start + rate * np.arange(stretch.stop - stretch.start)
    plane = np.zeros((n_sweeps, n_points))
    plane[stretch] = _line(lowest + moved % max(span, 1e-9), n_points)
    return plane


def _wpulse(n_sweeps: int, n_points: int, rng: np.random.Generator) -> Plane:
    """The whole band, keyed."""
    plane = np.zeros((n_sweeps, n_points))
    plane[_keyed(n_sweeps, rng)] = 1.0
    return plane


_KINDS: Mapping[str, Draw] = {"tone": _tone, "pulse": _pulse, "chirp": _chirp, "wpulse": _wpulse}
#: Names of the classes: four kinds and the six mixes of two, as ``tone+chirp`` (S2.6).
ANOMALY_CLASSES = (*_KINDS, *("+".join(two) for two in combinations(_KINDS, 2)))
