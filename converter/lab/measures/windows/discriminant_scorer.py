"""A forecast scored by another discriminant than the root mean square."""

from typing import Any, Protocol

import numpy as np

from converter.baselines.segments import Segments
from converter.lab.measures.windows.scorer import Stateless
from edgespec.detect.discriminants.discriminant import open_discriminant
from edgespec.records import FloatArray, Geometry

__all__ = ["DiscriminantScorer", "Expectation", "Expects", "discriminant_column"]


class Expects(Protocol):
    """What is asked of a model or a baseline that forecasts."""

    def forecast(self, context: FloatArray, target: FloatArray, /) -> FloatArray:
        """Return float32 ``(n, n_horizon, n_bins)`` in dBFS: what is expected of the horizons."""
        ...


class Expectation:
    """The forecast of some segments, computed once for all discriminants that ask for it."""

    def __init__(self, forecaster: Expects) -> None:
        self._forecaster = forecaster
        self._last: tuple[Segments, FloatArray] | None = None

    def of(self, segments: Segments) -> FloatArray:
        """Return what is expected, ``(n, n_horizon, n_bins)`` in dBFS."""
        if self._last is None or self._last[0] is not segments:
            expected = self._forecaster.forecast(segments.context, segments.target)
            self._last = segments, np.ascontiguousarray(expected, np.float32)
        return self._last[1]

    def __getstate__(self) -> dict[str, Any]:
        # Segments stay in the process that heard them.
        return {**self.__dict__, "_last": None}


class DiscriminantScorer(Stateless):
    """A discriminant of the device on the forecast of a model or baseline."""

    def __init__(self, expectation: Expectation, discriminant: str, geometry: Geometry) -> None:
        self._expectation = expectation
        self._distance = open_discriminant(discriminant, geometry)

    def score(self, segments: Segments) -> FloatArray:
        """Return the distance of each forecast from what was seen."""
        expected = self._expectation.of(segments)
        scores = np.empty(len(segments), np.float32)
        for number, (plane, seen) in enumerate(zip(expected, segments.target, strict=True)):
            scores[number] = self._distance(plane, np.ascontiguousarray(seen))
        return scores


def discriminant_column(name: str, discriminant: str) -> str:
    """Return the name of the scores of a forecaster by a discriminant."""
    return f"{name}@{discriminant}"
