"""Sweeps at an even pace: means of those that fall into each cell of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.sweep_table import SweepTable

__all__ = ["TimeCells", "even_cells", "usual_levels"]


@dataclass(frozen=True, slots=True, eq=False)
class TimeCells:
    """Means of sweeps in cells that follow each other, ``step_s`` apart; NaN where there is none.

    ``utc_s`` float64 ``(n_cells,)`` is the middle of each, ``levels_db`` float32 ``(n_cells,
    n_points)`` the mean of its levels in dB, and ``band_db`` float64 ``(n_cells,)`` that of its
    points, each taken as far from its own mean, so that a point that is missing now and then moves
    nothing.
    """

    step_s: float
    utc_s: NDArray[np.float64]
    levels_db: NDArray[np.float32]
    band_db: NDArray[np.float64]


def even_cells(table: SweepTable, interval_s: float, n_most: int) -> TimeCells:
    """Return ``n_most`` cells at most, none shorter than the usual time from sweep to sweep."""
    start_s, end_s = float(table.utc_s[0]), float(table.utc_s[-1])
    step_s = max(interval_s, (end_s - start_s) / (n_most - 1))
    # To the nearest: times that jitter around their pace stay in cells of their own.
    cell = np.rint((table.utc_s - start_s) / step_s).astype(np.int64)
    n_cells = int(cell[-1]) + 1
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    is_there = np.isfinite(table.levels_db)
    total = np.add.reduceat(np.where(is_there, table.levels_db, np.float32(0)), first, axis=0)
    count = np.add.reduceat(is_there, first, axis=0, dtype=np.int64)
    levels_db = np.full((n_cells, table.n_points), np.nan, np.float32)
    with np.errstate(invalid="ignore"):
        levels_db[cell[first]] = total / count
    utc_s = start_s + step_s * np.arange(n_cells, dtype=np.float64)
    return TimeCells(step_s, utc_s, levels_db, _band(levels_db))


def usual_levels(levels_db: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean of each point over the sweeps that have it, NaN where none has."""
    is_there = np.isfinite(levels_db)
    total = np.where(is_there, levels_db, np.float32(0)).sum(axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / is_there.sum(axis=0), np.float64)


def _band(levels_db: NDArray[np.float32]) -> NDArray[np.float64]:
    is_there = np.isfinite(levels_db)
    usual = usual_levels(levels_db)
    with np.errstate(invalid="ignore"):
        away = np.where(is_there, levels_db - usual, 0.0).sum(axis=1) / is_there.sum(axis=1)
    return np.asarray(away + usual[np.isfinite(usual)].mean(), np.float64)
