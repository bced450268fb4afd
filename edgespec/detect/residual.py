"""Detectors that compare the measured horizon with what a model expected of it."""

import numpy as np

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.errors import UsageError
from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment
from edgespec.reference import Reference

__all__ = ["ForecastError", "ReconstructionError"]


class _ModelError:
    """Root mean square of measured minus expected over the horizon, in dB.

    ``score = sqrt(mean((target - expected)^2))``, the prediction error of Li et al. 2019,
    sec. 4.3. A model that forecasts and one that reconstructs differ in what they are shown,
    not in how they are scored.
    """

    name: str
    needs_forecast = True

    def __init__(self, geometry: Geometry, arithmetic: Arithmetic = plain) -> None:
        shape = (geometry.n_horizon, geometry.n_bins)
        self._error_db: FloatArray = np.empty(shape, np.float32)
        self._residual = arithmetic.residual

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
        """Return the RMSE in dB and the signed error map.

        Raises:
            UsageError: no forecast was given.
        """
        if forecast is None:
            raise UsageError(f"the detector {self.name!r} needs a forecast and was given none")
        error_db = self._residual(segment.target, forecast.power_dbfs, self._error_db)
        return Score(self.name, error_db, self._error_db)


class ForecastError(_ModelError):
    """Error of a model that saw only the context (LSTM; Li et al. 2019, sec. 4.2)."""

    name = "forecast"


class ReconstructionError(_ModelError):
    """Error of a model that saw the horizon itself through a bottleneck (deep autoencoder)."""

    name = "reconstruction"
