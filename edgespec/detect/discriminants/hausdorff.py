"""Hausdorff distance: the frame that is farthest from all frames of the other plane."""

import math

import numpy as np

from edgespec.jit import kernel
from edgespec.records import FloatArray

__all__ = ["Hausdorff"]

_ZERO, _FAR = np.float32(0.0), np.float32(np.inf)


class Hausdorff:
    """``max(max_i min_j d(i, j), max_j min_i d(i, j))`` with ``d`` the RMS between frames, in dB.

    The frames of a plane are a set of points of ``n_bins`` dimensions: their order does not count,
    so what is only late costs nothing, and one frame that is like no other costs all.

    Args:
        n_horizon: frames of a plane.
    """

    def __init__(self, n_horizon: int) -> None:
        self._nearest = np.empty(n_horizon, np.float32)

    def __call__(self, expected_db: FloatArray, seen_db: FloatArray, /) -> float:
        """Return the distance of two planes ``(n_horizon, n_bins)``."""
        return float(_farthest(expected_db, seen_db, self._nearest))


@kernel
def _farthest(expected, seen, nearest):  # type: ignore[no-untyped-def]
    n_frames, n_bins = expected.shape
    nearest[:] = _FAR
    worst = _ZERO
    for i in range(n_frames):
        least = _FAR
        for j in range(n_frames):
            square = _ZERO
            for b in range(n_bins):
                error = expected[i, b] - seen[j, b]
                square += error * error
            least = min(least, square)
            nearest[j] = min(nearest[j], square)
        worst = max(worst, least)
    for j in range(n_frames):
        worst = max(worst, nearest[j])
    return math.sqrt(float(worst) / n_bins)
