"""Spectral kurtosis: a bin whose powers are spread otherwise than they normally are."""

import numpy as np

from converter.baselines.normal_range import NormalRange
from converter.baselines.segments import Segments
from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["SpectralKurtosis"]

_NAME = "spectral-kurtosis"
#: A pure tone has 0, whose logarithm would drown everything else.
_SMALLEST_KURTOSIS = 1e-3
_SMALLEST_STD = 0.01


class SpectralKurtosis:
    """``max_b |log SK_b - mean_b| / std_b`` over the single power spectra of the horizon."""

    needs_iq = True

    def __init__(self) -> None:
        self._range: NormalRange | None = None

    def fit(self, normal: Segments) -> None:
        """Learn the normal kurtosis of every bin."""
        self._range = NormalRange.of(_log_kurtosis(normal), _SMALLEST_STD)

    def score(self, segments: Segments) -> FloatArray:
        """Return the largest deviation in standard deviations."""
        if self._range is None:
            raise UsageError("the kurtosis was asked for before fit: call fit first")
        worst: FloatArray = np.abs(self._range.distance(_log_kurtosis(segments))).max(axis=1)
        return worst


def _log_kurtosis(segments: Segments) -> FloatArray:
    kurtosis = segments.iq_statistics(_NAME).kurtosis
    return np.log(np.maximum(kurtosis, np.float32(_SMALLEST_KURTOSIS)))
