"""Pearson's correlation of every two columns, with what is missing left out pair by pair."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlate", "fewer_columns"]

_BLOCK_ROWS = 16_384


def correlate(
    values: NDArray[np.float32], tell: Callable[[float], None] = lambda _: None
) -> NDArray[np.float64]:
    """Return ``cov(a, b) / (sigma_a sigma_b)`` of every two columns, float64 ``(n, n)``.

    Peng et al. 2022, eq. 6, over the rows in which both are numbers. NaN where one of the two does
    not change in these. Rows are taken a block at a time, so they may be many.

    Args:
        values: ``(n_rows, n)``.
        tell: called with the share of the rows that are done.
    """
    n_rows, n = values.shape
    # Sums of squares lose their digits where the mean is large: what is near to it is taken off.
    near = np.array([_first_number(column) for column in values.T])
    count, total, square, product = (np.zeros((n, n)) for _ in range(4))
    for first in range(0, n_rows, _BLOCK_ROWS):
        block = values[first : first + _BLOCK_ROWS].astype(np.float64) - near
        is_there = np.isfinite(block)
        # Of a, in lines: over the rows in which b, in columns, is there, too.
        if is_there.all():
            count += len(block)
            total += block.sum(axis=0)[:, None]
            square += np.einsum("ij,ij->j", block, block)[:, None]
        else:
            block[~is_there] = 0.0
            there = is_there.astype(np.float64)
            count += there.T @ there
            total += block.T @ there
            square += (block * block).T @ there
        product += block.T @ block
        tell(min(first + _BLOCK_ROWS, n_rows) / n_rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = square / count - (total / count) ** 2
        covariance = product / count - (total / count) * (total.T / count)
        # What is left of the variance of a constant is rounding.
        scale = np.maximum(square / count, 1e-12)
        variance = np.where(variance > 1e-10 * scale, variance, np.nan)
        correlation = covariance / np.sqrt(variance * variance.T)
    return np.asarray(np.clip(correlation, -1.0, 1.0), np.float64)


def fewer_columns(values: NDArray[np.float32], n_most: int) -> NDArray[np.float32]:
    """Return means of neighbouring columns, as many of them as needed to have ``n_most``.

    What is missing is left out of a mean.
    """
    n = values.shape[1]
    if n <= n_most:
        return values
    edges = np.linspace(0, n, n_most + 1).astype(int)
    is_there = np.isfinite(values)
    total = np.add.reduceat(np.where(is_there, values, 0.0), edges[:-1], axis=1)
    count = np.add.reduceat(is_there, edges[:-1], axis=1, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / count, np.float32)


def _first_number(column: NDArray[np.float32]) -> float:
    where = int(np.argmax(np.isfinite(column)))
    return float(column[where]) if np.isfinite(column[where]) else 0.0
