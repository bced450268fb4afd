"""Errors point by point: root mean square and mean magnitude."""

import math

import numpy as np

from edgespec.jit import kernel
from edgespec.records import FloatArray

__all__ = ["mae", "rmse"]

_ZERO = np.float32(0.0)


def rmse(expected_db: FloatArray, seen_db: FloatArray) -> float:
    """Return ``sqrt(mean((seen - expected)^2))`` in dB: it orders segments as their MSE does.

    Li et al. 2019, sec. 4.3; Peng et al. 2022, eq. 12.
    """
    return float(_root_mean_square(expected_db, seen_db))


def mae(expected_db: FloatArray, seen_db: FloatArray) -> float:
    """Return ``mean(|seen - expected|)`` in dB (Peng et al. 2022, eq. 12)."""
    return float(_mean_magnitude(expected_db, seen_db))


@kernel
def _root_mean_square(expected, seen):  # type: ignore[no-untyped-def]
    total = _ZERO
    for t in range(seen.shape[0]):
        for b in range(seen.shape[1]):
            error = seen[t, b] - expected[t, b]
            total += error * error
    return math.sqrt(float(total) / seen.size)


@kernel
def _mean_magnitude(expected, seen):  # type: ignore[no-untyped-def]
    total = _ZERO
    for t in range(seen.shape[0]):
        for b in range(seen.shape[1]):
            total += abs(seen[t, b] - expected[t, b])
    return float(total) / seen.size
