"""Cyclic prefixes: less of the power repeats itself as LTE does when something else is there."""

from converter.baselines.segments import Segments
from edgespec.records import FloatArray

__all__ = ["CyclicPrefix"]


class CyclicPrefix:
    """``1 - correlation`` of the horizon at the useful symbol of LTE; nothing is learnt."""

    needs_iq = True

    def fit(self, normal: Segments) -> None:
        """Learn nothing."""

    def score(self, segments: Segments) -> FloatArray:
        """Return the share of the power that does not repeat itself."""
        return 1.0 - segments.iq_statistics("cyclic-prefix").prefix
