"""Detectors that compare the measured horizon with what a model expected of it."""

import numpy as np

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.detect.discriminants.discriminant import RMSE, Discriminant, open_discriminant
from edgespec.errors import UsageError
from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment
from edgespec.reference import Reference

__all__ = ["ForecastError", "ReconstructionError"]


class _ModelError:
    """How far the measured horizon is from the expected one, by the model's discriminant.

    By default it is ``sqrt(mean((target - expected)^2))`` in dB, the prediction error of Li et al.
    2019, sec. 4.3. A model that forecasts and one that reconstructs differ in what they are shown,
    not in how they are scored.

    Args:
        geometry: of the segments.
        arithmetic: how the error map is computed.
        discriminant: name of the one that scores.
    """

    name: str
    needs_forecast = True

    def __init__(
        self, geometry: Geometry, arithmetic: Arithmetic = plain, discriminant: str = RMSE
    ) -> None:
        shape = (geometry.n_horizon, geometry.n_bins)
        self._error_db: FloatArray = np.empty(shape, np.float32)
        self._residual = arithmetic.residual
        # The root mean square comes with the error map.
        self._discriminant: Discriminant | None = None
        if discriminant != RMSE:
            self._discriminant = open_discriminant(discriminant, geometry)

    def reset(self) -> None:
        """Nothing is learnt from the stream."""

    def settle(self) -> None:
        """There is no reference."""

    def follow(self, step_db: float) -> None:
        """Nothing was learnt: the next context has the new level."""

    def reference(self) -> Reference:
        """Return nothing: there is no reference."""
        return {}

    def take_reference(self, reference: Reference) -> None:
        """There is none."""

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the distance and the signed error map in dB.

        Raises:
            UsageError: no forecast was given.
        """
        if forecast is None:
            raise UsageError(f"the detector {self.name!r} needs a forecast and was given none")
        distance = self._residual(segment.target, forecast.power_dbfs, self._error_db)
        if self._discriminant is not None:
            distance = self._discriminant(forecast.power_dbfs, segment.target)
        return Score(self.name, distance, self._error_db)


class ForecastError(_ModelError):
    """Error of a model that saw only the context (LSTM; Li et al. 2019, sec. 4.2)."""

    name = "forecast"


class ReconstructionError(_ModelError):
    """Error of a model that saw the horizon itself through a bottleneck (deep autoencoder)."""

    name = "reconstruction"
