"""A table of sweeps as a file: the arrays of a :class:`~edgespec.sweep_table.SweepTable` (npz)."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.npz import read_npz
from edgespec.sweep_table import SweepTable

__all__ = ["MOST_POINTS", "as_npz", "read_table"]

#: More points than any sweep of ours has.
MOST_POINTS = 1 << 16
_NEEDED = ("utc_s", "freqs_hz", "levels_db")


def read_table(path: Path) -> SweepTable:
    """Return the table of a file.

    It has ``utc_s``, ``freqs_hz``, ``levels_db``, and what is known of ``sweep_s``, ``rbw_hz`` and
    ``unit``.

    Raises:
        SourceError: it has no such arrays, or they do not fit.
    """
    name = brief(path, 120)
    arrays = read_npz(path)
    missing = [key for key in _NEEDED if key not in arrays]
    if missing:
        raise SourceError(
            f"{name} has no {', '.join(missing)}; a table of sweeps has utc_s (n_sweeps,), "
            "freqs_hz (n_points,) and levels_db (n_sweeps, n_points), and may have sweep_s, rbw_hz "
            "and unit"
        )
    utc_s, freqs_hz = (np.asarray(arrays[key], np.float64) for key in _NEEDED[:2])
    if utc_s.ndim != 1 or freqs_hz.ndim != 1 or not len(utc_s):
        raise SourceError(
            f"{name}: utc_s has the shape {utc_s.shape} and freqs_hz {freqs_hz.shape}; each must "
            "be one row, of at least one sweep"
        )
    if not 0 < len(freqs_hz) <= MOST_POINTS:
        raise SourceError(f"{name} has {len(freqs_hz)} points; 1 to {MOST_POINTS} can be watched")
    steps_hz, steps_s = np.diff(freqs_hz), np.diff(utc_s)
    sweep_s = float(arrays["sweep_s"]) if "sweep_s" in arrays else 0.0
    rbw_hz = float(arrays["rbw_hz"]) if "rbw_hz" in arrays else 0.0
    return SweepTable(
        name,
        utc_s,
        freqs_hz,
        np.asarray(arrays["levels_db"], np.float32),
        sweep_s or (float(np.median(steps_s)) if len(steps_s) else 1.0),
        rbw_hz or (float(np.median(steps_hz)) if len(steps_hz) else 1.0),
        str(arrays["unit"]) if "unit" in arrays else "dB",
    )


def as_npz(table: SweepTable) -> bytes:
    """Return the content of such a file."""
    arrays: dict[str, Any] = {
        "utc_s": table.utc_s,
        "freqs_hz": table.freqs_hz,
        "levels_db": table.levels_db,
        "sweep_s": np.float64(table.sweep_s),
        "rbw_hz": np.float64(table.rbw_hz),
        "unit": np.array(table.unit),
    }
    written = BytesIO()
    np.savez_compressed(written, **arrays)
    return written.getvalue()
