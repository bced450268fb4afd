"""From files of sweeps to a data set: tables of one kind are a band, and each belongs to splits."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from converter.data.ingest import file_sha256
from converter.data.splits import Split
from converter.data.sweeps.open_sweeps import open_sweeps
from converter.data.sweeps.sweep_dataset import SweepDataset, SweepPart, save_sweep_dataset
from converter.data.sweeps.sweep_file import save_sweeps
from edgespec.errors import UsageError
from edgespec.sweep_table import SweepTable

__all__ = ["NamedTable", "build_sweep_dataset", "open_tables"]


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table of sweeps, the file that it is of, and the band that it is of."""

    name: str
    band: str
    origin: str
    table: SweepTable


def open_tables(
    paths: Sequence[Path], band: str | None = None, zone: str | None = None
) -> list[NamedTable]:
    """Return the tables of some files; those at the same points are of one band.

    Args:
        paths: what :func:`converter.data.sweeps.open_sweeps.open_sweeps` reads.
        band: name of the band; None: by its frequencies.
        zone: of local times; None: that of this machine.

    Raises:
        SourceError: a file cannot be read.
        UsageError: two tables have one name, one name is given to several bands, or there is no
            such zone.
    """
    found = [(path, table) for path in paths for table in open_sweeps(path, zone)]
    names = [_letters(table.name) for _, table in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"two recordings are called {twice[0]!r}; rename one of their files, or give it once"
        )
    bands = [_band(table) for _, table in found]
    if band is not None and len(set(bands)) > 1:
        raise UsageError(
            f"--band names one band, and the files have {', '.join(dict.fromkeys(bands))}: make a "
            "data set of each, or leave --band out"
        )
    return [
        NamedTable(name, band or own, str(path), table)
        for name, own, (path, table) in zip(names, bands, found, strict=True)
    ]


def build_sweep_dataset(
    tables: Sequence[NamedTable],
    folder: Path,
    split: Split,
    progress: Callable[[SweepPart], None] = lambda _: None,
) -> SweepDataset:
    """Write tables and the index of the data set; ``split`` knows them by their names.

    Raises:
        SourceError: the folder cannot be written.
    """
    parts: list[SweepPart] = []
    for one in tables:
        path = folder / f"{one.name}.npz"
        save_sweeps(path, one.table)
        sha256 = file_sha256(path)
        # No segment reaches over the edge of a part, so there need not be a gap.
        for name, first, n_sweeps in split.stretches(one.name, one.table.n_sweeps, 0):
            part = SweepPart(
                one.name, one.band, name, path.name, sha256, n_sweeps, one.origin, first
            )
            parts.append(part)
            progress(part)
    return save_sweep_dataset(folder, parts)


def _band(table: SweepTable) -> str:
    lower, upper = (f"{float(edge) / 1e6:.6g}" for edge in table.freqs_hz[[0, -1]])
    return f"{lower}-{upper}-mhz-{table.n_points}"


def _letters(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).strip(".")[:80] or "table"
