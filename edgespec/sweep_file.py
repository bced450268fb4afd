"""A table of sweeps as a file: the arrays of a :class:`~edgespec.sweep_table.SweepTable` (npz)."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.npz import read_npz
from edgespec.sweep_table import SweepTable

__all__ = ["FILE_ADVICE", "MOST_POINTS", "arrays_of", "as_npz", "read_table", "table_of"]

#: More points than any sweep of ours has.
MOST_POINTS = 1 << 16
FILE_ADVICE = (
    "a file of sweeps is an npz with utc_s (n_sweeps,), freqs_hz (n_points,) and levels_db "
    "(n_sweeps, n_points), and may have sweep_s, rbw_hz and unit"
)
_NEEDED = ("utc_s", "freqs_hz", "levels_db")


def read_table(path: Path) -> SweepTable:
    """Return the table of a file, to be watched.

    Raises:
        SourceError: as :func:`table_of`, or it has too many points.
    """
    name = brief(path, 120)
    table = table_of(read_npz(path), name, name)
    if table.n_points > MOST_POINTS:
        raise SourceError(f"{name} has {table.n_points} points; 1 to {MOST_POINTS} can be watched")
    return table


def table_of(arrays: Mapping[str, NDArray[Any]], where: str, name: str) -> SweepTable:
    """Return the table that arrays are; what they do not say is taken from the axes.

    They are ``utc_s``, ``freqs_hz``, ``levels_db``, and what is known of ``sweep_s``, ``rbw_hz``
    and ``unit``.

    Args:
        arrays: by their names.
        where: the file that they are of, for people.
        name: of the table.

    Raises:
        SourceError: one is missing, or they do not fit to each other.
    """
    missing = [key for key in _NEEDED if key not in arrays]
    if missing:
        raise SourceError(f"{where} lacks {', '.join(missing)}: {FILE_ADVICE}")
    utc_s, freqs_hz = (np.asarray(arrays[key], np.float64) for key in _NEEDED[:2])
    if (utc_s.ndim, freqs_hz.ndim) != (1, 1) or not len(utc_s) or not len(freqs_hz):
        raise SourceError(
            f"{where}: utc_s has the shape {utc_s.shape} and freqs_hz {freqs_hz.shape}, where each "
            f"must be one row that is not empty: {FILE_ADVICE}"
        )
    return SweepTable(
        name,
        utc_s,
        freqs_hz,
        np.asarray(arrays["levels_db"], np.float32),
        sweep_s=_number(arrays, "sweep_s", utc_s),
        rbw_hz=_number(arrays, "rbw_hz", freqs_hz),
        unit=brief(arrays["unit"][()]) if "unit" in arrays else "dB",
    )


def arrays_of(table: SweepTable) -> dict[str, Any]:
    """Return the arrays of a table, by their names."""
    names = (*_NEEDED, "sweep_s", "rbw_hz", "unit")
    return {name: np.asarray(getattr(table, name)) for name in names}


def as_npz(table: SweepTable) -> bytes:
    """Return the content of a file of a table, compressed."""
    written = BytesIO()
    np.savez_compressed(written, **arrays_of(table))
    return written.getvalue()


def _number(arrays: Mapping[str, NDArray[Any]], name: str, axis: NDArray[np.float64]) -> float:
    """Return a number of a file, or the usual step of an axis; 1 where it has none."""
    if name in arrays:
        return float(arrays[name])
    return float(np.median(np.diff(axis))) if len(axis) > 1 else 1.0
