"""The horizon is as the context was on average, bin by bin."""

from converter.baselines.segments import Segments
from edgespec.records import FloatArray

__all__ = ["ContextMean"]


class ContextMean:
    """``forecast(t, b) = mean_s context(s, b)``."""

    def fit(self, normal: Segments) -> None:
        """Learn nothing."""

    def forecast(self, context: FloatArray) -> FloatArray:
        """Return the mean frame, ``(n, 1, n_bins)``."""
        mean: FloatArray = context.mean(axis=1, keepdims=True)
        return mean
