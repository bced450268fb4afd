"""The horizon stays as the last frame of the context was."""

from converter.baselines.segments import Segments
from edgespec.records import FloatArray

__all__ = ["LastFrame"]


class LastFrame:
    """``forecast(t, b) = context(-1, b)``."""

    def fit(self, normal: Segments) -> None:
        """Learn nothing."""

    def forecast(self, context: FloatArray) -> FloatArray:
        """Return the last frame, ``(n, 1, n_bins)``."""
        return context[:, -1:]
