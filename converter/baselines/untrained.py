"""The network with the weights it is born with: what its training is worth."""

from typing import Any

import numpy as np

from converter.baselines.segments import Segments, context_scaling
from converter.models.architectures import build_model
from converter.models.runtime import load_keras
from edgespec.errors import UsageError
from edgespec.records import FloatArray, Geometry

__all__ = ["UntrainedNetwork"]


class UntrainedNetwork:
    """Forecast of the default LSTM before its first step of training."""

    def __init__(self, geometry: Geometry, seed: int) -> None:
        self._geometry = geometry
        self._seed = seed
        self._model: Any = None

    def fit(self, normal: Segments) -> None:
        """Draw the weights; the segments are not looked at."""
        load_keras().utils.set_random_seed(self._seed)
        self._model = build_model("lstm", self._geometry, {})

    def forecast(self, context: FloatArray) -> FloatArray:
        """Return the forecast in dBFS."""
        if self._model is None:
            raise UsageError("the network was asked for before fit: call fit first")
        mean_db, scale_db = context_scaling(context)
        forecast = np.asarray(self._model.predict_on_batch((context - mean_db) / scale_db))
        shape = (len(context), self._geometry.n_horizon, self._geometry.n_bins)
        restored: FloatArray = forecast.reshape(shape) * scale_db + mean_db
        return restored
