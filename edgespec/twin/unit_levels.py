"""Levels of units, of which there is one a subband, as one number a unit."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["strongest_db", "total_db"]


def total_db(levels_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power over all subbands, ``(n_units,)``; NaN stays NaN."""
    return np.asarray(10.0 * np.log10((10.0 ** (levels_db / 10.0)).sum(axis=1)))


def strongest_db(residual_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return of each unit the residual that is farthest from zero, ``(n_units,)``."""
    rows = np.where(np.isnan(residual_db), 0.0, residual_db)
    farthest = np.abs(rows).argmax(axis=1)
    values = np.take_along_axis(residual_db, farthest[:, None], axis=1)[:, 0]
    return np.asarray(np.where(np.isnan(residual_db).all(axis=1), np.nan, values))
