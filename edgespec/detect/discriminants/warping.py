"""Dynamic time warping: the error that is left when frames may come early or late.

Sakoe and Chiba 1978, with steps of one frame and no weights. A frame is one point of ``n_bins``
dimensions, so all bins are warped together, as one signal moves all of them.
"""

import math

import numpy as np

from edgespec.jit import kernel
from edgespec.records import FloatArray

__all__ = ["Warping"]

_ZERO, _FAR = np.float32(0.0), np.float32(np.inf)


class Warping:
    """``sqrt(min over paths of sum |expected(i) - seen(j)|^2 / (n_horizon n_bins))`` in dB.

    A path goes from the first pair of frames to the last one by steps of one frame in either or
    both. The diagonal is such a path, so this is at most the RMSE; with a band of 0 it is that.

    Args:
        n_horizon: frames of a plane.
        band: how many frames ``i`` and ``j`` may lie apart; ``n_horizon`` is exact.
        most_db: what comes beyond it is not computed further: the value is then a bound that lies
            beyond ``most_db``, too. Costs are never negative, so the least of a row is a bound.
    """

    def __init__(self, n_horizon: int, band: int, most_db: float = math.inf) -> None:
        self._band = band
        self._most_db = most_db
        # One row behind and one in work: column 0 is the border that no path comes through.
        self._rows = np.empty((2, n_horizon + 2), np.float32)

    def __call__(self, expected_db: FloatArray, seen_db: FloatArray, /) -> float:
        """Return the distance of two planes ``(n_horizon, n_bins)``."""
        return float(_warped(expected_db, seen_db, self._band, self._most_db, self._rows))


@kernel
def _warped(expected, seen, band, most, rows):  # type: ignore[no-untyped-def]
    n_frames, n_bins = expected.shape
    limit = most * most * expected.size
    rows[:] = _FAR
    rows[0, 0] = _ZERO
    for i in range(1, n_frames + 1):
        before, now = rows[(i - 1) % 2], rows[i % 2]
        first, last = max(1, i - band), min(n_frames, i + band)
        # What two rows ago left beside the band is no way in.
        now[first - 1], now[last + 1] = _FAR, _FAR
        least = _FAR
        for j in range(first, last + 1):
            cost = _ZERO
            for b in range(n_bins):
                error = expected[i - 1, b] - seen[j - 1, b]
                cost += error * error
            cost += min(min(before[j - 1], before[j]), now[j - 1])
            now[j] = cost
            least = min(least, cost)
        if least > limit:
            return math.sqrt(float(least) / expected.size)
    return math.sqrt(float(rows[n_frames % 2, n_frames]) / expected.size)
