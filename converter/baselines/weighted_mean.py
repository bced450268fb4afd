"""The horizon is as the context was, recent frames counting more."""

import numpy as np

from converter.baselines.segments import Segments
from edgespec.records import FloatArray

__all__ = ["WeightedMean", "decaying_weights"]

#: Shares of the newest frame that are tried on the normal segments.
_ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.5)


def decaying_weights(alpha: float, n_frames: int) -> FloatArray:
    """Return the weights of frames, oldest first: ``alpha (1 - alpha)^age``, scaled to sum to 1."""
    weights = (1.0 - alpha) ** np.arange(n_frames - 1, -1, -1.0)
    scaled: FloatArray = (weights / weights.sum()).astype(np.float32)
    return scaled


class WeightedMean:
    """Exponentially weighted mean per bin (Roberts 1959); alpha is the best on normal segments.

    Of the frames of one context; the device's ``ewma`` averages over segments.
    """

    def __init__(self) -> None:
        self._alpha = _ALPHAS[0]

    def fit(self, normal: Segments) -> None:
        """Choose the alpha whose forecast of the normal targets has the smallest error."""
        errors = np.zeros(len(_ALPHAS))
        for _, chunk in normal.chunks():
            for i, alpha in enumerate(_ALPHAS):
                error = chunk.target.mean(axis=1) - self._level(chunk.context, alpha)
                # The spread of the target around its own mean is the same for every alpha.
                errors[i] += float(np.vdot(error, error))
        self._alpha = _ALPHAS[int(errors.argmin())]

    def forecast(self, context: FloatArray) -> FloatArray:
        """Return the weighted mean frame, ``(n, 1, n_bins)``."""
        return self._level(context, self._alpha)[:, None]

    def _level(self, context: FloatArray, alpha: float) -> FloatArray:
        level: FloatArray = np.matmul(decaying_weights(alpha, context.shape[1]), context)
        return level
