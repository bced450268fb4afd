"""The transform of :mod:`edgespec.dsp.transform` in compiled loops, for the running observer.

The same functions with the same arguments; results agree within float32.
"""

import math

import numpy as np

from edgespec.dsp.transform import SCALE_FLOOR_DB
from edgespec.jit import kernel
from edgespec.records import FloatArray, Scaling

__all__ = ["apply", "load", "restore", "scaling_of", "standardise"]

_ONE = np.float32(1.0)


def load() -> None:
    """Compile every loop, or fetch it from the cache, before the first sample waits for it."""
    rows = np.zeros((2, 2), np.float32)
    scaling = standardise(rows, rows)
    scaling_of(rows, rows)
    apply(rows, scaling, rows)
    restore(rows, scaling, rows)


def standardise(context: FloatArray, out: FloatArray) -> Scaling:
    """Write the standardised context to ``out`` and return its mean and scale in dB."""
    mean_db, scale_db = _moments(context, SCALE_FLOOR_DB)
    _apply(context, mean_db, scale_db, out)
    return Scaling(mean_db, scale_db)


def scaling_of(context: FloatArray, scratch: FloatArray) -> Scaling:
    """Return mean and scale in dB of a context."""
    mean_db, scale_db = _moments(context, SCALE_FLOOR_DB)
    return Scaling(mean_db, scale_db)


def apply(power_db: FloatArray, scaling: Scaling, out: FloatArray) -> None:
    """Write ``(power_db - mean_db) / scale_db`` to ``out``, which may be ``power_db`` itself."""
    _apply(power_db, scaling.mean_db, scaling.scale_db, out)


def restore(standardised: FloatArray, scaling: Scaling, out: FloatArray) -> None:
    """Write ``standardised * scale_db + mean_db`` to ``out``: the inverse of :func:`apply`."""
    _restore(standardised, scaling.mean_db, scaling.scale_db, out)


@kernel
def _moments(context, floor_db):  # type: ignore[no-untyped-def]
    # In float64, and of what is left of a first guess of the mean: nothing cancels.
    pivot = np.float64(context[0, 0])
    total, total_square = 0.0, 0.0
    for t in range(context.shape[0]):
        for b in range(context.shape[1]):
            rest = np.float64(context[t, b]) - pivot
            total += rest
            total_square += rest * rest
    mean = total / context.size
    scale_db = max(math.sqrt(max(total_square / context.size - mean * mean, 0.0)), floor_db)
    return pivot + mean, scale_db


@kernel
def _apply(power_db, mean_db, scale_db, out):  # type: ignore[no-untyped-def]
    mean, factor = np.float32(mean_db), _ONE / np.float32(scale_db)
    for t in range(power_db.shape[0]):
        for b in range(power_db.shape[1]):
            out[t, b] = (power_db[t, b] - mean) * factor


@kernel
def _restore(standardised, mean_db, scale_db, out):  # type: ignore[no-untyped-def]
    mean, scale = np.float32(mean_db), np.float32(scale_db)
    for t in range(standardised.shape[0]):
        for b in range(standardised.shape[1]):
            out[t, b] = standardised[t, b] * scale + mean
