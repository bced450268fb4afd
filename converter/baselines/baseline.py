"""What every baseline can do."""

from typing import Protocol

from converter.baselines.segments import Segments
from edgespec.records import FloatArray

__all__ = ["Baseline", "Forecaster"]


class Baseline(Protocol):
    """Learns from normal segments and scores others; high is anomalous.

    A baseline gets :class:`~converter.baselines.segments.Segments`: contexts and targets in dBFS
    and, if ``needs_iq``, the statistics of the samples of the horizon. It may standardise them,
    but by their contexts alone. A segment's score depends on that segment and on what was
    learnt, not on those that are scored with it. Scores are finite, and their unit is the
    baseline's own.
    """

    needs_iq: bool

    def fit(self, normal: Segments) -> None:
        """Learn from normal segments, from nothing else, and forget what was learnt before."""
        ...

    def score(self, segments: Segments) -> FloatArray:
        """Return float32 ``(n,)``.

        Raises:
            UsageError: it has not learnt yet, or the segments lack the statistics it needs.
        """
        ...


class Forecaster(Protocol):
    """Expects a horizon from a context, and never sees the target it will be compared with."""

    def fit(self, normal: Segments) -> None:
        """Learn from normal segments."""
        ...

    def forecast(self, context: FloatArray) -> FloatArray:
        """Return ``(n, n_horizon, n_bins)`` in dBFS, or what broadcasts to it.

        Args:
            context: float32 ``(n, n_context, n_bins)`` in dBFS.
        """
        ...
