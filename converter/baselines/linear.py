"""Linear forecasts, one set of coefficients for all bins, by ridge regression in closed form."""

from collections.abc import Callable

import numpy as np

from converter.baselines.segments import Segments, context_scaling, standardise
from edgespec.errors import UsageError
from edgespec.inference.ridge import NormalEquations
from edgespec.records import FloatArray, Geometry

__all__ = ["LinearForecast", "frames", "trend_and_rest"]

#: l2 a row: a thousandth of the variance that a standardised frame has.
_L2_PER_ROW = 1e-3
_BLOCK_ROWS = 2048
#: Frames of the moving average of DLinear (Zeng et al. 2023, sec. 4).
_TREND_FRAMES = 25


def frames(context: FloatArray) -> FloatArray:
    """Return the context as it is: a linear autoregression of order ``n_context``."""
    return context


def trend_and_rest(context: FloatArray) -> FloatArray:
    """Return ``(n, 2 n_context, n_bins)``: a moving average and what it leaves (DLinear).

    The average is centred, and the first and last frames are repeated beyond the ends.
    """
    before = (_TREND_FRAMES - 1) // 2
    n_frames = context.shape[1]
    padded = np.concatenate(
        [
            np.zeros_like(context[:, :1]),
            np.repeat(context[:, :1], before, axis=1),
            context,
            np.repeat(context[:, -1:], _TREND_FRAMES - 1 - before, axis=1),
        ],
        axis=1,
    )
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    trend = (sums[:, _TREND_FRAMES:] - sums[:, :n_frames]) / _TREND_FRAMES
    trend = trend.astype(np.float32)
    return np.concatenate([trend, context - trend], axis=1)


class LinearForecast:
    """``forecast(:, b) = W' f(context(:, b)) + w0`` in units of the context.

    Args:
        geometry: of the segments.
        features: ``f``, from ``(n, n_context, n_bins)`` to ``(n, n_features, n_bins)``.
        of_residual: context and horizon are both less each bin's mean over the context, which is
            added again: what is shrunk to nothing is then the mean, not the level of the band.
    """

    def __init__(
        self,
        geometry: Geometry,
        features: Callable[[FloatArray], FloatArray],
        *,
        of_residual: bool = False,
    ) -> None:
        self._geometry = geometry
        self._features = features
        self._of_residual = of_residual
        self._layer: tuple[FloatArray, FloatArray] | None = None

    def fit(self, normal: Segments) -> None:
        """Solve for the coefficients; every bin of every segment is a row."""
        sums: NormalEquations | None = None
        for _, chunk in normal.chunks():
            context, target = standardise(chunk)
            mean = self._mean(context)
            context, target = context - mean, target - mean
            features = _rows(self._features(context))
            if sums is None:
                sums = NormalEquations(
                    features.shape[1], self._geometry.n_horizon, block_rows=_BLOCK_ROWS
                )
            sums.add(features, _rows(target))
        if sums is None:
            raise UsageError("a linear forecast cannot be learnt from no segments")
        self._layer = sums.solve(_L2_PER_ROW * sums.n_rows)

    def forecast(self, context: FloatArray) -> FloatArray:
        """Return the forecast in dBFS."""
        if self._layer is None:
            raise UsageError("a linear forecast was asked for before fit: call fit first")
        weights, bias = self._layer
        mean_db, scale_db = context_scaling(context)
        context = (context - mean_db) / scale_db
        mean = self._mean(context)
        features = self._features(context - mean)
        forecast: FloatArray = np.matmul(weights.T, features) + bias[:, None] + mean
        return forecast * scale_db + mean_db

    def _mean(self, context: FloatArray) -> FloatArray | np.float32:
        """Return each bin's mean over the context ``(n, 1, n_bins)``, or 0."""
        if not self._of_residual:
            return np.float32(0.0)
        mean: FloatArray = context.mean(axis=1, keepdims=True)
        return mean


def _rows(frames_of_bins: FloatArray) -> FloatArray:
    n_features = frames_of_bins.shape[1]
    return frames_of_bins.transpose(0, 2, 1).reshape(-1, n_features)
