"""Ramp score: how differently two planes rise and fall (Vallance et al. 2017, sec. 3.1).

Each bin is replaced by straight ramps that stay within a tolerance of it, found by the swinging
door of Bristol 1990; the score is the mean difference of their slopes.
"""

import numpy as np

from edgespec.jit import kernel
from edgespec.records import FloatArray

__all__ = ["RampScore"]

_ZERO, _FAR = np.float32(0.0), np.float32(np.inf)


class RampScore:
    """``mean over t, b of |slope of expected(t, b) - slope of seen(t, b)|`` in dB a frame.

    A level that is off by the same all the time costs nothing.

    Args:
        n_horizon: frames of a plane.
        tolerance_db: what a ramp may differ by from the points that it replaces; at 0 it is the
            difference from frame to frame.
    """

    def __init__(self, n_horizon: int, tolerance_db: float) -> None:
        self._tolerance_db = np.float32(tolerance_db)
        self._slopes = np.empty((2, max(n_horizon - 1, 1)), np.float32)

    def __call__(self, expected_db: FloatArray, seen_db: FloatArray, /) -> float:
        """Return the score of two planes ``(n_horizon, n_bins)``; 0 where there is one frame."""
        return float(_score(expected_db, seen_db, self._tolerance_db, self._slopes))


@kernel
def _score(expected, seen, tolerance, slopes):  # type: ignore[no-untyped-def]
    n_frames, n_bins = seen.shape
    if n_frames < 2:
        return 0.0
    total = _ZERO
    for b in range(n_bins):
        _ramps(expected[:, b], tolerance, slopes[0])
        _ramps(seen[:, b], tolerance, slopes[1])
        for t in range(n_frames - 1):
            total += abs(slopes[1, t] - slopes[0, t])
    return float(total) / ((n_frames - 1) * n_bins)


@kernel
def _ramps(levels, tolerance, slopes):  # type: ignore[no-untyped-def]
    """Write the slope of the ramp over each step from one frame to the next."""
    start, lowest, highest = 0, -_FAR, _FAR
    for t in range(1, len(levels)):
        n_steps = np.float32(t - start)
        rise = levels[t] - levels[start]
        lowest = max(lowest, (rise - tolerance) / n_steps)
        highest = min(highest, (rise + tolerance) / n_steps)
        if lowest > highest:
            # The door is wide open: the ramp ended at the frame before, and the next begins there.
            slopes[start : t - 1] = (levels[t - 1] - levels[start]) / np.float32(t - 1 - start)
            start = t - 1
            lowest = levels[t] - levels[start] - tolerance
            highest = levels[t] - levels[start] + tolerance
    end = len(levels) - 1
    slopes[start:end] = (levels[end] - levels[start]) / np.float32(end - start)
