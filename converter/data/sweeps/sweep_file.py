"""A table of sweeps as one npz file, both ways; further arrays of the same sweeps may be in it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief, door
from edgespec.errors import SourceError
from edgespec.npz import read_npz
from edgespec.sweep_file import FILE_ADVICE, arrays_of, table_of
from edgespec.sweep_table import SweepTable

__all__ = ["MAX_BYTES", "load_sweeps", "named_table", "save_sweeps", "signal_of"]

#: A month of 80 points takes 460 MB.
MAX_BYTES = 2 << 30


def save_sweeps(
    path: Path, table: SweepTable, beside: Mapping[str, NDArray[Any]] | None = None
) -> None:
    """Write a table, and what else is known of its sweeps, uncompressed.

    Raises:
        SourceError: it cannot be written.
    """
    arrays = {**arrays_of(table), "name": np.asarray(table.name), **(beside or {})}
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
    with door(f"sweeps {str(path)!r}", SourceError, FILE_ADVICE):
        return named_table(read_npz(path, max_bytes=MAX_BYTES), path)


def signal_of(path: Path) -> NDArray[Any] | None:
    """Return the power of a band's own signals in each sweep of a simulated file; else None.

    In mW, ``(n_sweeps,)``.
    """
    if not zipfile.is_zipfile(path):
        return None
    with door(f"sweeps {str(path)!r}", SourceError, FILE_ADVICE):
        return read_npz(path, max_bytes=MAX_BYTES).get("signal_mw")


def named_table(arrays: Mapping[str, NDArray[Any]], path: Path) -> SweepTable:
    """Return the table that the arrays of a file are, by the name that it has there or the file's.

    Raises:
        SourceError: as :func:`edgespec.sweep_file.table_of`.
    """
    name = brief(arrays["name"][()]) if "name" in arrays else brief(path.stem)
    return table_of(arrays, brief(path, 120), name)
