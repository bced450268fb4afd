"""Discriminants by name: the number that says how far what was seen is from what was expected.

Peng et al. 2022, sec. 4.3, compare five of them on the same forecasts; the name says which, and
behind a colon how it is set: ``dtw:3``, ``ramp:2``, ``percentile:95``. All are compiled loops but
``rmse``, which the detector computes with its error map anyway; a percentile needs no Numba.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from edgespec.errors import ModelError
from edgespec.nearest import advice
from edgespec.records import FloatArray, Geometry

__all__ = [
    "DISCRIMINANTS",
    "RMSE",
    "USUAL",
    "Discriminant",
    "Kind",
    "check_discriminant",
    "open_discriminant",
]

#: The discriminant of a bundle that names none: the root of the mean squared error (MSE).
RMSE = "rmse"
#: That of a bundle that is calibrated for the first time: of five forecasters of LTE it finds three
#: to five times as many onsets at 1% false alarms, on wide and on narrow kinds that did not choose
#: it (``benchmarks.detection.discriminants``).
USUAL = "percentile:99"


class Discriminant(Protocol):
    """Compares two planes float32 ``(n_horizon, n_bins)`` in dB; high is anomalous.

    Its scratch is allocated when it is opened, so one belongs to one stream of segments.
    """

    def __call__(self, expected_db: FloatArray, seen_db: FloatArray, /) -> float:
        """Return how far the planes are from each other, in dB or dB a frame."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """How a discriminant is made, and what may stand behind its colon.

    ``least`` and ``most`` are the accepted numbers, ``usual`` is meant where none is given; all
    are None where there is nothing to set.
    """

    make: Callable[[Geometry, float], Discriminant]
    least: float | None = None
    most: float | None = None
    usual: float = 0.0


def _rmse(geometry: Geometry, _: float) -> Discriminant:
    from edgespec.detect.discriminants.pointwise import rmse

    return rmse


def _mae(geometry: Geometry, _: float) -> Discriminant:
    from edgespec.detect.discriminants.pointwise import mae

    return mae


def _dtw(geometry: Geometry, band: float) -> Discriminant:
    from edgespec.detect.discriminants.warping import Warping

    return Warping(geometry.n_horizon, min(round(band), geometry.n_horizon))


def _ramp(geometry: Geometry, tolerance_db: float) -> Discriminant:
    from edgespec.detect.discriminants.ramp import RampScore

    return RampScore(geometry.n_horizon, tolerance_db)


def _hausdorff(geometry: Geometry, _: float) -> Discriminant:
    from edgespec.detect.discriminants.hausdorff import Hausdorff

    return Hausdorff(geometry.n_horizon)


def _percentile(geometry: Geometry, percent: float) -> Discriminant:
    try:
        from edgespec.detect.discriminants.percentile import Percentile
    except ImportError:
        from edgespec.detect.discriminants.plain_percentile import PlainPercentile

        return PlainPercentile(geometry.n_horizon, geometry.n_bins, percent)
    return Percentile(geometry.n_horizon * geometry.n_bins, percent)


#: Without a number, ``dtw`` is exact, ``ramp`` lets a door swing by 2 dB, about what the mean of
#: five periodograms varies by, and ``percentile`` is the 95th.
DISCRIMINANTS: Mapping[str, Kind] = {
    RMSE: Kind(_rmse),
    "mae": Kind(_mae),
    "dtw": Kind(_dtw, least=0.0, most=1e6, usual=1e6),
    "ramp": Kind(_ramp, least=0.0, most=100.0, usual=2.0),
    "hausdorff": Kind(_hausdorff),
    "percentile": Kind(_percentile, least=1.0, most=100.0, usual=95.0),
}


def check_discriminant(name: str) -> tuple[Kind, float]:
    """Return the kind that a name means, and the number that it is set to.

    Raises:
        ModelError: there is no such discriminant, or its number is not accepted.
    """
    kind, colon, text = name.partition(":")
    if kind not in DISCRIMINANTS:
        raise ModelError(f"the discriminant {name!r} is unknown: {advice(kind, DISCRIMINANTS)}")
    found = DISCRIMINANTS[kind]
    if not colon:
        return found, found.usual
    if found.least is None or found.most is None:
        raise ModelError(f"the discriminant {name!r} takes no number: write {kind!r}")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not found.least <= value <= found.most:
        raise ModelError(
            f"the discriminant {name!r} is set to {text!r}; a number from {found.least:g} to "
            f"{found.most:g} is accepted, as in '{kind}:{min(found.usual, 3.0):g}'"
        )
    return found, value


def open_discriminant(name: str, geometry: Geometry) -> Discriminant:
    """Return a discriminant for the horizons of a geometry, compiled or read from the cache.

    Raises:
        ModelError: there is no such discriminant, or it needs Numba, which is not installed.
    """
    kind, value = check_discriminant(name)
    try:
        return kind.make(geometry, value)
    except ImportError as error:
        raise ModelError(
            f"the discriminant {name!r} needs Numba, which is not installed ({error}): install "
            f"it, or calibrate the bundle with {RMSE!r}"
        ) from error
