"""Levels that many points share, apart from the shape of the band.

At Bras d'Eau the receiver warms up and drifts by some dB, and single sweeps are up or down as a
whole: a mean over few sweeps follows that and has the noise of few sweeps, one over many has little
noise and is late. Many points tell the common level of one sweep, so the shape may be a long mean.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import median_filter

from edgespec.records import FloatArray

__all__ = ["levelled"]


def levelled(
    n_points: int, level_weight: float, shape_weight: float
) -> Callable[[FloatArray], FloatArray]:
    """Return a forecaster: a shape of the band and a level that neighbours share.

    ``expected = shape + level``. What a sweep is beyond the shape has, as its level, the median
    around each point; the shape learns what is left, every sweep by ``shape_weight`` or its share
    of all so far, and the level follows by ``level_weight``.

    Args:
        n_points: whose median is a level; 0: all points have one.
        level_weight: of the newest level, above 0 and up to 1.
        shape_weight: of the newest sweep, at least.
    """

    def level_of(beyond: FloatArray) -> FloatArray:
        if not n_points:
            return np.full_like(beyond, np.median(beyond))
        found: FloatArray = median_filter(beyond, n_points, mode="nearest")
        return found

    def expect(block: FloatArray) -> FloatArray:
        shape, level = block[0].astype(np.float64), np.zeros(block.shape[1])
        rows = [block[0]]
        for number, sweep in enumerate(block[:-1], 1):
            now = level_of(sweep - shape)
            shape = shape + max(1.0 / number, shape_weight) * (sweep - now - shape)
            level = now if number == 1 else level + level_weight * (now - level)
            rows.append((shape + level).astype(np.float32))
        return np.array(rows, np.float32)

    return expect
