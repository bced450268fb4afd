"""Sweeps in an npz file: the arrays of a table."""

from collections.abc import Iterator

import numpy as np

from edgespec.sources.sweeps.stitch import Sweep
from edgespec.sweep_table import SweepTable

__all__ = ["MAGIC", "sweeps_of"]

#: A zip archive begins with it.
MAGIC = b"PK"


def sweeps_of(table: SweepTable) -> Iterator[Sweep]:
    """Yield the sweeps of a table."""
    for number in range(table.n_sweeps):
        levels_db = table.levels_db[number].copy()
        levels_db[~np.isfinite(levels_db)] = np.nan
        yield Sweep(float(table.utc_s[number]), table.freqs_hz, levels_db, number + 1)
