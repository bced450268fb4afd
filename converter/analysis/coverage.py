"""How much of a table of sweeps was measured, and whether that is enough to look at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.sweep_table import SweepTable

__all__ = ["LEAST_SWEEPS", "Coverage", "measured_sweeps"]

#: Of fewer, a correlation or a period says nothing.
LEAST_SWEEPS = 16
#: A sweep that comes later than so many times the usual distance stands behind a gap.
_GAP_SHARE = 1.5


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is there of a recording.

    ``n_sweeps`` have at least one level, ``n_empty`` more have none. ``missing`` is the share of
    the levels of the former that are not numbers. ``interval_s`` is the usual time from one sweep
    to the next, ``span_s`` from the first to the last. There are ``n_gaps``, the longest of
    ``longest_gap_s``. ``n_silent_points`` were never measured, ``n_still_points`` never change.
    """

    n_sweeps: int
    n_points: int
    n_empty: int
    missing: float
    span_s: float
    interval_s: float
    n_gaps: int
    longest_gap_s: float
    n_silent_points: int
    n_still_points: int


def measured_sweeps(table: SweepTable) -> tuple[SweepTable, Coverage]:
    """Return the sweeps of a table that have a level at all, and how much there is.

    Infinite levels count as not measured.

    Raises:
        SourceError: fewer than 16 sweeps are left, or no point ever changes.
    """
    is_level: NDArray[np.bool_] = np.isfinite(table.levels_db)
    is_there: NDArray[np.bool_] = np.any(is_level, axis=1, keepdims=True)[:, 0]
    n_there = int(is_there.sum())
    if n_there < LEAST_SWEEPS:
        empty = (
            f" ({table.n_sweeps - n_there} more have no level)" if n_there < len(is_there) else ""
        )
        raise SourceError(
            f"{table.name} has {n_there} sweeps{empty}; to say anything it takes "
            f"{LEAST_SWEEPS}: give a longer recording"
        )
    levels_db = table.levels_db if is_level.all() else _marked(table, is_level, is_there)
    utc_s = table.utc_s[is_there]
    steps_s = np.diff(utc_s)
    interval_s = float(np.median(steps_s))
    is_gap = steps_s > _GAP_SHARE * interval_s
    # fmin and fmax leave out what is not a number, and give NaN where nothing else is there.
    lowest, highest = np.fmin.reduce(levels_db), np.fmax.reduce(levels_db)
    n_silent, n_still = int(np.isnan(lowest).sum()), int((lowest == highest).sum())
    if n_silent + n_still == table.n_points:
        raise SourceError(
            f"the levels of {table.name} never change at any of its {table.n_points} points: "
            "check what wrote it"
        )
    coverage = Coverage(
        n_sweeps=n_there,
        n_points=table.n_points,
        n_empty=table.n_sweeps - n_there,
        missing=float(1.0 - is_level[is_there].mean()),
        span_s=float(utc_s[-1] - utc_s[0]),
        interval_s=interval_s,
        n_gaps=int(is_gap.sum()),
        longest_gap_s=float(steps_s[is_gap].max()) if is_gap.any() else 0.0,
        n_silent_points=n_silent,
        n_still_points=n_still,
    )
    whole = SweepTable(
        table.name, utc_s, table.freqs_hz, levels_db, table.sweep_s, table.rbw_hz, table.unit
    )
    return whole, coverage


def _marked(
    table: SweepTable, is_level: NDArray[np.bool_], is_there: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the levels of the sweeps that are there, NaN where there is none."""
    levels_db = np.where(is_level, table.levels_db, np.float32(np.nan))
    return np.asarray(levels_db[is_there], np.float32)
