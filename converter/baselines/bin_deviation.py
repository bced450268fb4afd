"""Each bin against its place in the normal spectrum, in units of the context."""

import numpy as np

from converter.baselines.normal_range import NormalRange
from converter.baselines.segments import Segments, standardise
from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["BinDeviation"]

_SMALLEST_STD = 0.01


class BinDeviation:
    """``max_b |mean_t target(t, b) - mean_b| / std_b``, learnt over all normal segments.

    Levels are standardised by their contexts, so that observers can share one reference; the
    device's ``zscore`` learns one in dB at its own place.
    """

    needs_iq = False

    def __init__(self) -> None:
        self._range: NormalRange | None = None

    def fit(self, normal: Segments) -> None:
        """Learn mean and spread of every bin."""
        self._range = NormalRange.of(_levels(normal), _SMALLEST_STD)

    def score(self, segments: Segments) -> FloatArray:
        """Return the largest deviation in standard deviations."""
        if self._range is None:
            raise UsageError("the deviation of bins was asked for before fit: call fit first")
        worst: FloatArray = np.abs(self._range.distance(_levels(segments))).max(axis=1)
        return worst


def _levels(segments: Segments) -> FloatArray:
    levels = np.empty((len(segments), segments.geometry.n_bins), np.float32)
    for where, chunk in segments.chunks():
        levels[where] = standardise(chunk)[1].mean(axis=1)
    return levels
