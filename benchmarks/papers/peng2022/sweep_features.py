"""What is known of a point before the next sweep, beyond a mean of those before it."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import uniform_filter1d

from edgespec.records import FloatArray

__all__ = ["N_BEFORE", "WEIGHT", "decayed_mean", "features"]

#: Sweeps that must be there before anything is expected.
N_BEFORE = 6
#: Of the newest sweep in the mean that features and learnt forecasts are beyond.
WEIGHT = 0.2
#: Means over so many of the last sweeps, each of the point and of so many points around it, ...
_SWEEPS, _POINTS = (1, 2, 3, 6, 12, 24), (1, 5, 25, 461)
#: ... medians of the point, and how much it varies.
_MEDIANS, _VARIED = (3, 6, 12, 24), (6, 24)


def decayed_mean(block: FloatArray, weight: float) -> FloatArray:
    """Return the mean of all sweeps before each: every one counts ``1 - weight`` of the next."""
    rows, total, mean = [block[0]], 0.0, np.zeros_like(block[0])
    for sweep in block[:-1]:
        total = (1.0 - weight) * total + 1.0
        mean = mean + (sweep - mean) / np.float32(total)
        rows.append(mean)
    return np.array(rows, np.float32)


def features(block: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the decayed mean before each sweep, and features of each of its points.

    The mean has the shape of ``block``, ``(n_sweeps, n_points)``; the features are float32
    ``(n_sweeps, n_points, n_features)`` in dB: how far means and medians over the last sweeps, and
    means over neighbours, are from that mean, and how much the point varies. All are of sweeps
    before theirs.
    """
    mean = decayed_mean(block, WEIGHT)
    columns = []
    for n_sweeps in _SWEEPS:
        beyond = _before(block, n_sweeps).mean(axis=-1) - mean
        columns += [uniform_filter1d(beyond, n, axis=1, mode="nearest") for n in _POINTS]
    columns += [np.median(_before(block, n), axis=-1) - mean for n in _MEDIANS]
    columns += [_before(block, n).std(axis=-1) for n in _VARIED]
    return mean, np.stack(columns, axis=-1).astype(np.float32)


def _before(block: FloatArray, n_sweeps: int) -> FloatArray:
    """Return ``(n_sweeps, n_points, n)``: the last sweeps before each, the first one repeated."""
    padded = np.concatenate([np.repeat(block[:1], n_sweeps, axis=0), block[:-1]])
    return sliding_window_view(padded, n_sweeps, axis=0)
