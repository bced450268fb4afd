"""A table of sweeps as one npz file, both ways; further arrays of the same sweeps may be in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief, door
from edgespec.errors import SourceError
from edgespec.npz import read_npz
from edgespec.sweep_table import SweepTable

__all__ = ["MAX_BYTES", "load_sweeps", "save_sweeps", "table_of"]

#: A month of 80 points takes 460 MB.
MAX_BYTES = 2 << 30
_NEEDED = ("utc_s", "freqs_hz", "levels_db")
_ADVICE = (
    "a file of sweeps is an npz with utc_s (n_sweeps,), freqs_hz (n_points,) and levels_db "
    "(n_sweeps, n_points)"
)


def save_sweeps(
    path: Path, table: SweepTable, beside: Mapping[str, NDArray[Any]] | None = None
) -> None:
    """Write a table, and what else is known of its sweeps, uncompressed.

    Raises:
        SourceError: it cannot be written.
    """
    names = (*_NEEDED, "sweep_s", "rbw_hz", "name", "unit")
    arrays: dict[str, Any] = {name: np.asarray(getattr(table, name)) for name in names}
    arrays |= beside or {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise SourceError(f"sweeps {str(path)!r} cannot be written: {error}") from error


def load_sweeps(path: Path) -> SweepTable:
    """Return the table that a file holds.

    Raises:
        SourceError: it is missing or damaged, or what it holds is no table of sweeps.
    """
    with door(f"sweeps {str(path)!r}", SourceError, _ADVICE):
        return table_of(read_npz(path, max_bytes=MAX_BYTES), path)


def table_of(arrays: Mapping[str, NDArray[Any]], path: Path) -> SweepTable:
    """Return the table that the arrays of a file are; what it does not say is taken from its axes.

    Raises:
        SourceError: an array is missing, or they do not fit to each other.
    """
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise SourceError(f"{brief(path, 120)} lacks {', '.join(missing)}: {_ADVICE}")
    utc_s, freqs_hz = (arrays[name].astype(np.float64) for name in _NEEDED[:2])
    if (utc_s.ndim, freqs_hz.ndim) != (1, 1) or not len(utc_s) or not len(freqs_hz):
        raise SourceError(
            f"{brief(path, 120)} has utc_s {utc_s.shape} and freqs_hz {freqs_hz.shape}: {_ADVICE}"
        )
    return SweepTable(
        brief(arrays["name"][()]) if "name" in arrays else brief(path.stem),
        utc_s,
        freqs_hz,
        arrays["levels_db"].astype(np.float32, copy=False),
        sweep_s=_number(arrays, "sweep_s", utc_s),
        rbw_hz=_number(arrays, "rbw_hz", freqs_hz),
        unit=brief(arrays["unit"][()]) if "unit" in arrays else "dB",
    )


def _number(arrays: Mapping[str, NDArray[Any]], name: str, axis: NDArray[np.float64]) -> float:
    """Return a number of a file, or the usual step of an axis; 1 where it has none."""
    if name in arrays:
        return float(arrays[name])
    return float(np.median(np.diff(axis))) if len(axis) > 1 else 1.0
