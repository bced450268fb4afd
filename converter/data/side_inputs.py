"""Side inputs of segments of sweeps: what the band was like in the hours and days before each.

It is the device's own arithmetic: the same hours of UTC, the same means, and the mean of the
context where nothing is known, so that a network learns with what it will be given.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.data.model_inputs import ModelInputs
from edgespec.dsp.hour_means import HourMeans
from edgespec.dsp.stand_in import StandIn, fill_in
from edgespec.dsp.transform import apply, standardise
from edgespec.errors import UsageError
from edgespec.records import FloatArray
from edgespec.side_input import HOUR_NS, SideInput
from edgespec.sweep_table import SweepTable

__all__ = ["SideRows", "side_rows", "with_sides"]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SideRows:
    """``rows_db`` float32 ``(n, n_rows, n_bins)`` for each side input, no cell of it missing.

    ``known`` float64 ``(n, n_sides)`` is which share of each was known; the mean of the context
    stands in for the rest.
    """

    rows_db: tuple[FloatArray, ...]
    known: NDArray[np.float64]


def side_rows(
    table: SweepTable, sides: Sequence[SideInput], starts: NDArray[np.int64], n_context: int
) -> SideRows:
    """Return the side inputs of segments of a table, from the sweeps before each of them.

    Args:
        table: the sweeps; what was not measured counts in no mean.
        sides: what the model takes.
        starts: first sweep of each segment, ``(n,)``, in any order.
        n_context: sweeps of a context, behind which the horizon begins.

    Raises:
        UsageError: a segment's horizon begins behind the last sweep, or a context has a sweep that
            was not measured whole.
    """
    if len(starts) and not 0 <= starts.min() <= starts.max() < table.n_sweeps - n_context:
        raise UsageError(
            f"segments begin at the sweeps {starts.min()} to {starts.max()}; with a context of "
            f"{n_context}, a table of {table.n_sweeps} has 0 to {table.n_sweeps - n_context - 1}"
        )
    utc_ns = np.round(table.utc_s * _NS).astype(np.int64)
    hours = utc_ns[starts + n_context] // HOUR_NS
    memory = HourMeans(table.n_points, max((side.n_hours for side in sides), default=0))
    stand_in = StandIn(n_context, table.n_points)
    shapes = [(len(starts), side.n_rows, table.n_points) for side in sides]
    rows_db = tuple(np.empty(shape, np.float32) for shape in shapes)
    known = np.empty((len(starts), len(sides)))
    n_heard = 0
    for hour in np.unique(hours):
        while n_heard < table.n_sweeps and utc_ns[n_heard] < hour * HOUR_NS:
            memory.add(int(utc_ns[n_heard]), table.levels_db[n_heard])
            n_heard += 1
        for at, (side, out) in enumerate(zip(sides, rows_db, strict=True)):
            rows = memory.rows(side, int(hour) * HOUR_NS)
            is_known = np.isfinite(rows)
            for number in np.flatnonzero(hours == hour):
                context = table.levels_db[starts[number] : starts[number] + n_context]
                if not np.isfinite(context).all():
                    raise UsageError(
                        f"the context at sweep {starts[number]} has points that were not measured: "
                        "leave such segments out"
                    )
                fill_in(rows, is_known, stand_in.mean_db(context), out[number])
                known[number, at] = is_known.mean()
    return SideRows(rows_db, known)


def with_sides(contexts_db: FloatArray, rows: SideRows) -> ModelInputs:
    """Return what a forecasting model is given: all of it standardised by its context.

    ``contexts_db`` is float32 ``(n, n_context, n_bins)`` in dB.
    """
    windows = np.empty(contexts_db.shape, np.float32)
    sides = tuple(np.empty(side.shape, np.float32) for side in rows.rows_db)
    for number, context in enumerate(contexts_db):
        scaling = standardise(np.ascontiguousarray(context), windows[number])
        for side_db, side in zip(rows.rows_db, sides, strict=True):
            apply(side_db[number], scaling, side[number])
    return ModelInputs(windows, sides)
