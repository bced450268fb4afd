"""Anomalies in sweeps, recorded or simulated: to try a model, or the scan, on them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from converter.simulate.swept.anomalies import add_anomaly, draw_anomaly
from edgespec.errors import UsageError
from edgespec.sweep_table import SweepTable
from edgespec.units import ratio_from_db

__all__ = ["inject"]


def inject(
    table: SweepTable,
    kind: str,
    isr_db: float,
    first: int,
    n_sweeps: int,
    seed: int = 0,
    signal_mw: NDArray[np.float32] | None = None,
) -> SweepTable:
    """Return a table with an anomaly in ``n_sweeps`` sweeps from ``first`` on.

    The ISR is its power while it is there over that of the band's own signals, both summed over the
    points. Where nobody knows the latter, all that was measured stands for it, noise included.

    Args:
        table: the sweeps.
        kind: a class of :data:`converter.simulate.swept.anomalies.ANOMALY_CLASSES`.
        isr_db: how strong it is.
        first: sweep of the table at which the stretch begins.
        n_sweeps: of the stretch; it is there in a tenth of it at least.
        seed: of its place, length and rate.
        signal_mw: power of the band's own signals in each sweep, ``(n_sweeps,)``.

    Raises:
        UsageError: the class is unknown, the stretch does not lie in the table, or nothing was
            measured there.
    """
    stop = first + n_sweeps
    if not 0 <= first < stop <= table.n_sweeps:
        raise UsageError(
            f"the stretch is {n_sweeps} sweeps from {first} on, and the table has "
            f"{table.n_sweeps}: give one that lies within it"
        )
    levels_db = table.levels_db.copy()
    part = levels_db[first:stop]
    plane = draw_anomaly(kind, n_sweeps, table.n_points, np.random.default_rng(seed))
    if signal_mw is None:
        measured = 10.0 ** (part.astype(np.float64) / 10.0)
        power_mw = float(np.nansum(measured) / n_sweeps)
    else:
        power_mw = float(np.mean(signal_mw[first:stop], dtype=np.float64))
    if not power_mw > 0.0:
        raise UsageError(f"nothing was measured in the sweeps {first} to {stop - 1}: give others")
    levels_db[first:stop] = add_anomaly(part, plane, ratio_from_db(isr_db) * power_mw)
    return replace(table, levels_db=levels_db)
