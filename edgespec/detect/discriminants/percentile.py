"""Percentile pooling: the error that a given share of a plane does not exceed."""

import math

import numpy as np

from edgespec.jit import kernel
from edgespec.records import FloatArray

__all__ = ["Percentile"]


class Percentile:
    """The smallest error that at least ``percent`` of all points do not exceed, in dB.

    An average drowns an anomaly of few points in the errors of all; a percentile looks at as many
    as an anomaly may have and is still not one outlier.

    Args:
        n_points: of a plane.
        percent: above 0 and up to 100, which is the largest error.
    """

    def __init__(self, n_points: int, percent: float) -> None:
        self._rank = max(math.ceil(percent / 100.0 * n_points) - 1, 0)
        self._errors = np.empty(n_points, np.float32)

    def __call__(self, expected_db: FloatArray, seen_db: FloatArray, /) -> float:
        """Return the percentile for two planes ``(n_horizon, n_bins)``."""
        return float(_ranked(expected_db, seen_db, self._rank, self._errors))


@kernel
def _ranked(expected, seen, rank, errors):  # type: ignore[no-untyped-def]
    """Return the error of a rank: quickselect (Hoare 1961) in scratch."""
    n_frames, n_bins = seen.shape
    for t in range(n_frames):
        for b in range(n_bins):
            errors[t * n_bins + b] = abs(seen[t, b] - expected[t, b])
    low, high = 0, n_frames * n_bins - 1
    while low < high:
        pivot = errors[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while errors[i] < pivot:
                i += 1
            while errors[j] > pivot:
                j -= 1
            if i <= j:
                errors[i], errors[j] = errors[j], errors[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return errors[rank]
