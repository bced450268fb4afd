"""A forecaster as a baseline: scored as the network is, so that a table compares what they know."""

import numpy as np

from converter.baselines.baseline import Forecaster
from converter.baselines.segments import Segments
from edgespec.records import FloatArray

__all__ = ["ForecastError"]

_CHUNK_SEGMENTS = 128


class ForecastError:
    """``sqrt(mean((target - forecast)^2))`` in dB, the device's score of a model's forecast."""

    needs_iq = False

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster

    def fit(self, normal: Segments) -> None:
        """Let the forecaster learn."""
        self._forecaster.fit(normal)

    def forecast(self, context: FloatArray, target: FloatArray) -> FloatArray:
        """Return what is expected, with the shape of ``target``, which is not looked at."""
        expected = np.empty(target.shape, np.float32)
        for first in range(0, len(context), _CHUNK_SEGMENTS):
            some = slice(first, first + _CHUNK_SEGMENTS)
            expected[some] = self._forecaster.forecast(context[some])
        return expected

    def score(self, segments: Segments) -> FloatArray:
        """Return the error of each forecast in dB."""
        scores = np.empty(len(segments), np.float32)
        for where, chunk in segments.chunks():
            error = chunk.target - self._forecaster.forecast(chunk.context)
            scores[where] = np.sqrt(np.einsum("ntb,ntb->n", error, error) / error[0].size)
        return scores
