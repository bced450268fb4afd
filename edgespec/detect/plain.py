"""The arithmetic of the detectors in NumPy: the readable one, and the one without a compiler.

What each function does is said in :class:`edgespec.detect.arithmetic.Arithmetic`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray

__all__ = [
    "farthest",
    "learn_mean",
    "mean_power",
    "residual",
    "shape_extremes",
    "shape_mean",
]

_NEPERS_PER_DB = np.float32(math.log(10.0) / 10.0)


def residual(target_db: FloatArray, expected_db: FloatArray, error_db: FloatArray) -> float:
    """Write the difference and return its root mean square."""
    np.subtract(target_db, expected_db, out=error_db)
    flat = error_db.reshape(-1)
    return math.sqrt(float(np.dot(flat, flat)) / flat.size)


def mean_power(power_db: FloatArray, linear: FloatArray) -> float:
    """Return the mean linear power."""
    np.multiply(power_db, _NEPERS_PER_DB, out=linear)
    np.exp(linear, out=linear)
    return float(linear.mean())


def shape_extremes(
    power_db: FloatArray,
    expected_db: FloatArray,
    shape_db: FloatArray,
    levels_db: FloatArray,
    frame_db: FloatArray,
) -> None:
    """Write the extremes of the shape, and the shape less the expected one."""
    _shape(power_db, shape_db, frame_db)
    np.max(shape_db, axis=0, out=levels_db[0])
    np.min(shape_db, axis=0, out=levels_db[1])
    np.subtract(shape_db, expected_db, out=shape_db)


def shape_mean(
    power_db: FloatArray,
    expected_db: FloatArray,
    shape_db: FloatArray,
    mean_db: FloatArray,
    frame_db: FloatArray,
) -> None:
    """Write the mean shape, and the shape less the expected one."""
    _shape(power_db, shape_db, frame_db)
    _mean_of_rows(shape_db, mean_db)
    np.subtract(shape_db, expected_db, out=shape_db)


def _shape(power_db: FloatArray, shape_db: FloatArray, frame_db: FloatArray) -> None:
    np.add.reduce(power_db, axis=1, keepdims=True, out=frame_db)
    np.multiply(frame_db, np.float32(1.0 / power_db.shape[1]), out=frame_db)
    np.subtract(power_db, frame_db, out=shape_db)


def _mean_of_rows(rows: FloatArray, out: FloatArray) -> None:
    # np.mean divides by an integer, for which it converts blocks of 8192 values.
    np.add.reduce(rows, axis=0, out=out)
    np.multiply(out, np.float32(1.0 / len(rows)), out=out)


def farthest(
    levels_db: FloatArray, mean_db: FloatArray, std_db: FloatArray, scratch: FloatArray
) -> float:
    """Return the largest distance in standard deviations."""
    np.subtract(levels_db, mean_db, out=scratch)
    np.divide(scratch, std_db, out=scratch)
    np.abs(scratch[0], out=scratch[0])
    return float(scratch.max())


def learn_mean(
    rows: FloatArray,
    count: int,
    mean: NDArray[Any],
    sum_squares: NDArray[Any],
    scratch: NDArray[Any],
) -> None:
    """Update running statistics with the mean over the rows."""
    delta, product = scratch
    # A mean of float32 in float64 would be of a converted copy.
    values = product.view(np.float32)[: product.size]
    _mean_of_rows(rows, values)
    np.copyto(delta, values)
    np.subtract(delta, mean, out=delta)
    np.divide(delta, count, out=product)
    np.add(mean, product, out=mean)
    # (x - old mean) (x - new mean) = delta (delta - delta / count)
    np.subtract(delta, product, out=product)
    np.multiply(delta, product, out=product)
    np.add(sum_squares, product, out=sum_squares)
