"""Percentile pooling by NumPy, for a board without Numba."""

import math

import numpy as np

from edgespec.records import FloatArray

__all__ = ["PlainPercentile"]


class PlainPercentile:
    """The smallest error that at least ``percent`` of all points do not exceed, in dB.

    The twin of :class:`edgespec.detect.discriminants.percentile.Percentile`.

    Args:
        n_frames: of a plane.
        n_bins: of a plane.
        percent: above 0 and up to 100, which is the largest error.
    """

    def __init__(self, n_frames: int, n_bins: int, percent: float) -> None:
        self._rank = max(math.ceil(percent / 100.0 * n_frames * n_bins) - 1, 0)
        self._plane = np.empty((n_frames, n_bins), np.float32)
        self._errors = self._plane.reshape(-1)

    def __call__(self, expected_db: FloatArray, seen_db: FloatArray, /) -> float:
        """Return the percentile for two planes ``(n_frames, n_bins)``."""
        np.subtract(seen_db, expected_db, out=self._plane)
        np.abs(self._errors, out=self._errors)
        self._errors.partition(self._rank)
        return float(self._errors[self._rank])
