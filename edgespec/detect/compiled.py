"""The arithmetic of the detectors as compiled loops, one pass each.

What each function does is said in :class:`edgespec.detect.arithmetic.Arithmetic`.
"""

import math

import numpy as np

from edgespec.jit import exp2, kernel

__all__ = [
    "farthest",
    "learn_mean",
    "load",
    "mean_power",
    "residual",
    "shape_extremes",
    "shape_mean",
]

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_OCTAVES_PER_DB = np.float32(math.log2(10.0) / 10.0)


def load() -> None:
    """Compile every loop, or fetch it from the cache, before the first sample waits for it."""
    rows = np.zeros((2, 2), np.float32)
    row, wide_rows, wide = rows[0], np.zeros((2, 2)), np.zeros(2)
    residual(rows, rows, rows)
    mean_power(rows, rows)
    shape_extremes(rows, row, rows, rows, rows)
    shape_mean(rows, row, rows, row, rows)
    farthest(rows, rows, np.ones_like(rows), rows)
    learn_mean(rows, 1, wide, wide, wide_rows)


@kernel
def residual(target_db, expected_db, error_db):  # type: ignore[no-untyped-def]
    """Write the difference and return its root mean square."""
    total = _ZERO
    for t in range(target_db.shape[0]):
        for b in range(target_db.shape[1]):
            error = target_db[t, b] - expected_db[t, b]
            error_db[t, b] = error
            total += error * error
    return math.sqrt(float(total) / target_db.size)


@kernel
def mean_power(power_db, linear):  # type: ignore[no-untyped-def]
    """Return the mean linear power; ``linear`` is scratch of who computes without a compiler."""
    total = _ZERO
    for t in range(power_db.shape[0]):
        for b in range(power_db.shape[1]):
            total += exp2(power_db[t, b] * _OCTAVES_PER_DB)
    return float(total) / power_db.size


@kernel
def shape_extremes(  # type: ignore[no-untyped-def]
    power_db, expected_db, shape_db, levels_db, frame_db
):
    """Write the extremes of the shape, and the shape less the expected one."""
    n_frames, n_bins = power_db.shape
    for t in range(n_frames):
        mean = _mean(power_db[t])
        if t == 0:
            for b in range(n_bins):
                levels_db[0, b] = power_db[t, b] - mean
                levels_db[1, b] = power_db[t, b] - mean
        for b in range(n_bins):
            shape = power_db[t, b] - mean
            levels_db[0, b] = max(levels_db[0, b], shape)
            levels_db[1, b] = min(levels_db[1, b], shape)
            shape_db[t, b] = shape - expected_db[b]


@kernel
def shape_mean(power_db, expected_db, shape_db, mean_db, frame_db):  # type: ignore[no-untyped-def]
    """Write the mean shape, and the shape less the expected one."""
    n_frames, n_bins = power_db.shape
    mean_db[:] = _ZERO
    share = _ONE / np.float32(n_frames)
    for t in range(n_frames):
        mean = _mean(power_db[t])
        for b in range(n_bins):
            shape = power_db[t, b] - mean
            mean_db[b] += share * shape
            shape_db[t, b] = shape - expected_db[b]


@kernel
def _mean(values):  # type: ignore[no-untyped-def]
    # Many float32 of one sign lose digits when they are added in a row.
    total = np.float64(0.0)
    for value in values:
        total += value
    return np.float32(total / len(values))


@kernel
def farthest(levels_db, mean_db, std_db, scratch):  # type: ignore[no-untyped-def]
    """Return the largest distance in standard deviations."""
    n_levels, n_bins = levels_db.shape
    # A loop that also looks for the largest would not be vectorised.
    for k in range(n_levels):
        for b in range(n_bins):
            scratch[k, b] = (levels_db[k, b] - mean_db[k, b]) / std_db[k, b]
    worst = _ZERO
    for b in range(n_bins):
        worst = max(worst, abs(scratch[0, b]))
    for k in range(1, n_levels):
        for b in range(n_bins):
            worst = max(worst, scratch[k, b])
    return float(worst)


@kernel
def learn_mean(rows, count, mean, sum_squares, scratch):  # type: ignore[no-untyped-def]
    """Update running statistics with the mean over the rows."""
    n_rows, n_values = rows.shape
    total = scratch[0]
    total[:] = 0.0
    for t in range(n_rows):
        for b in range(n_values):
            total[b] += rows[t, b]
    share, weight = 1.0 / n_rows, 1.0 / count
    for b in range(n_values):
        delta = total[b] * share - mean[b]
        step = delta * weight
        mean[b] += step
        sum_squares[b] += delta * (delta - step)
