"""Segments of sweeps: a past and the future behind it, never across a gap."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.sources.sweeps.count import usual_interval_s
from edgespec.sweep_table import SweepTable

__all__ = ["N_FUTURE", "N_PAST", "gather_windows", "interval_of", "resolution_of", "window_starts"]

#: Sweeps that a network sees, and those that it forecasts (Peng et al. 2022, sec. 4.2).
N_PAST, N_FUTURE = 80, 40
#: A sweep that comes later than so many times the usual distance stands behind a gap.
_GAP_SHARE = 1.5


def interval_of(table: SweepTable) -> float:
    """Return the usual time from one sweep to the next in seconds, as the device takes it."""
    return usual_interval_s(table.utc_s.tolist()) or table.sweep_s


def resolution_of(table: SweepTable) -> float:
    """Return what times are rounded to: many programs write whole seconds, as the device knows."""
    return float(not (table.utc_s % 1.0).any())


def window_starts(
    table: SweepTable, n_past: int = N_PAST, n_future: int = N_FUTURE, hop: int | None = None
) -> NDArray[np.int64]:
    """Return the first sweep of every segment, ``hop`` apart (default: ``n_future``).

    They begin anew behind every gap; one with a level that is not a number is left out.

    Raises:
        UsageError: a length or the hop is not positive.
    """
    hop = n_future if hop is None else hop
    if min(n_past, n_future, hop) < 1:
        raise UsageError(f"segments of {n_past} + {n_future} sweeps, {hop} apart: all are positive")
    n_segment, n_sweeps = n_past + n_future, table.n_sweeps
    longest_s = _GAP_SHARE * interval_of(table) + resolution_of(table)
    edges = [0, *(np.flatnonzero(np.diff(table.utc_s) > longest_s) + 1), n_sweeps]
    starts = np.concatenate(
        [np.arange(a, b - n_segment + 1, hop, dtype=np.int64) for a, b in pairwise(edges)]
    )
    n_broken = np.concatenate([[0], np.cumsum(~np.isfinite(table.levels_db).all(axis=1))])
    is_whole = n_broken[starts + n_segment] == n_broken[starts]
    return np.asarray(starts[is_whole], np.int64)


def gather_windows(
    table: SweepTable,
    starts: Sequence[int] | NDArray[np.int64],
    n_past: int = N_PAST,
    n_future: int = N_FUTURE,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Return pasts, futures and when each future begins.

    float32 ``(n, n_past, n_points)`` and ``(n, n_future, n_points)`` in the unit of the table, and
    float64 ``(n,)`` in seconds since 1970 in UTC: by it the means of the last hours and days are
    found.
    """
    first = np.asarray(starts, np.int64)[:, None]
    past = table.levels_db[first + np.arange(n_past)]
    future = table.levels_db[first + n_past + np.arange(n_future)]
    return past, future, table.utc_s[first[:, 0] + n_past]
