"""What is known of a point before the next sweep, beyond the mean of the block so far."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from edgespec.records import FloatArray

__all__ = ["N_BEFORE", "features"]

#: Sweeps that must be there before anything is expected.
N_BEFORE = 6
#: Means over so many of the last sweeps, ...
_SWEEPS = (1, 2, 3, 6, 12, 24)
#: ... each of the point and of so many points around it.
_POINTS = (1, 5, 25, 461)


def features(block: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the block so far, and features of each point of each sweep.

    The mean has the shape of ``block``, ``(n_sweeps, n_points)``; the features are float32
    ``(n_sweeps, n_points, n_features)`` in dB: how far means over the last sweeps, and over
    neighbours, are from the mean of the block so far. All are of sweeps before theirs.
    """
    sums = np.concatenate([np.zeros_like(block[:1]), np.cumsum(block, axis=0, dtype=np.float64)])
    ends = np.arange(len(block))
    mean = sums[ends] / np.maximum(ends, 1)[:, None]
    columns = []
    for n_sweeps in _SWEEPS:
        starts = np.maximum(ends - n_sweeps, 0)
        beyond = (sums[ends] - sums[starts]) / np.maximum(ends - starts, 1)[:, None] - mean
        columns += [uniform_filter1d(beyond, n, axis=1, mode="nearest") for n in _POINTS]
    mean[0] = 0.0
    return mean.astype(np.float32), np.stack(columns, axis=-1).astype(np.float32)
