"""Sums of rows that drift against each other, for all drifts at once."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["fold_drifts"]


def fold_drifts(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sum of all rows along every straight drift of up to a column a row.

    ``rows`` float32 ``(..., n, width)``, ``n`` a power of two; the columns are a circle. The
    result is float32 ``(..., 2 n - 1, width)``: entry ``n - 1 + d`` is the sum over ``j`` of
    ``rows[j, column + round(d j / (n - 1))]`` for ``d`` from ``-(n - 1)`` to ``n - 1``, each row
    within a column of that line. Sums of halves serve many drifts (Taylor 1974, A&AS 15, p. 367),
    so that all of them take ``2 n log2 n`` additions a column instead of ``2 n^2``.
    """
    rising, falling = _fold(rows, 1), _fold(rows, -1)
    return np.concatenate([falling[..., :0:-1, :], rising], axis=-2)


def _fold(rows: NDArray[np.float32], sign: int) -> NDArray[np.float32]:
    """Return the sums for drifts of 0 to ``n - 1`` columns in the direction of ``sign``."""
    parts = rows[..., :, None, :]
    while parts.shape[-3] > 1:
        *batch, n_parts, n_drifts, width = parts.shape
        first, second = parts[..., 0::2, :, :], parts[..., 1::2, :, :]
        out = np.empty((*batch, n_parts // 2, 2 * n_drifts, width), np.float32)
        for drift in range(2 * n_drifts):
            # The halves drift by half of it each, and the second begins where the first ends.
            inner, shift = drift // 2, sign * ((drift + 1) // 2) % width
            target = out[..., drift, :]
            np.add(
                first[..., inner, : width - shift],
                second[..., inner, shift:],
                out=target[..., : width - shift],
            )
            np.add(
                first[..., inner, width - shift :],
                second[..., inner, :shift],
                out=target[..., width - shift :],
            )
        parts = out
    return parts[..., 0, :, :]
