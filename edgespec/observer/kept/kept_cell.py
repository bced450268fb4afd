"""What was learnt beside a cell, kept over a restart: a small file for each of a band's cells."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.kept.band_file import LearntKind, LevelFile, level_file
from edgespec.observer.kept.kept_arrays import load_arrays, range_of, save_arrays
from edgespec.observer.kept.kept_cells import file_of_cell, files_of_cells, tidy_up
from edgespec.reference import Reference

__all__ = ["KeptCell", "cell_file", "load_cells", "save_cell"]

#: 20 places of 1,000 subbands in three maps are 0.5 MB.
MAX_BYTES = 4_000_000
#: What 64 bits hold, in the year 2262.
_LAST_NS = 2**63 - 1
_NUMBERS = ("sample_rate_hz", "frame_start", "cfo_hz", "ppm", "snr_db", "coherence", "margin")


@dataclass(frozen=True, slots=True, eq=False)
class KeptCell:
    """What was normal beside ``cell`` at ``utc_ns``: the arrays of its scan and of its scale."""

    utc_ns: int
    source: str
    gain_db: float
    range_hz: tuple[float, float]
    cell: Cell
    reference: Reference

    @classmethod
    def of(cls, file: LevelFile, utc_ns: int, cell: Cell, reference: Reference) -> "KeptCell":
        """Return what is to be kept in a file."""
        return cls(utc_ns, file.source, file.gain_db, file.range_hz, cell, reference)

    def is_of(self, file: LevelFile) -> bool:
        """Whether it can be compared with what is heard now."""
        return file.is_of(self.source, self.gain_db, self.range_hz)


def cell_file(
    folder: Path, band: str, source: str, gain_db: float | None, range_hz: tuple[float, float]
) -> LevelFile | None:
    """Return the file of a band, as :func:`level_file`."""
    return level_file(LearntKind.CELLS, folder, band, source, gain_db, range_hz)


def save_cell(file: LevelFile, kept: KeptCell) -> None:
    """Put it in the place of its file; those of cells that were kept longest ago go."""
    head = {
        "utc_ns": kept.utc_ns,
        "source": kept.source,
        "gain_db": kept.gain_db,
        "range_hz": list(kept.range_hz),
        "cell": asdict(kept.cell),
    }
    path = file_of_cell(file.path, kept.cell.label)
    save_arrays(path, head, kept.reference, unkept="what is normal beside the cell is not kept")
    tidy_up(file.path)


def load_cells(file: LevelFile) -> Iterator[KeptCell]:
    """Yield what is kept of each cell of a band, the oldest first, where it is of here."""
    what = "what was normal beside a cell"
    for path in files_of_cells(file.path):
        kept = load_arrays(path, MAX_BYTES, _parse, label=what, unlike=f"not {what}")
        if kept is not None and kept.is_of(file):
            yield kept


def _parse(head: Any, arrays: Mapping[str, NDArray[Any]]) -> KeptCell:
    cell = Cell(**head["cell"])
    numbers = [float(getattr(cell, name)) for name in _NUMBERS]
    range_hz = range_of(head)
    gain_db = float(head["gain_db"])
    names = (cell.technology, cell.duplex, cell.prefix)
    if not all(isinstance(name, str) for name in names) or type(cell.identity) is not int:
        raise ValueError("it names no cell")
    utc_ns = int(head["utc_ns"])
    if not 0 <= utc_ns <= _LAST_NS:
        raise ValueError(f"its time is {utc_ns:.3g} ns")
    if not all(map(math.isfinite, (*numbers, *range_hz, gain_db, float(cell.spacing_hz)))):
        raise ValueError("a number is not finite")
    reference = {name: np.asarray(values, np.float64) for name, values in arrays.items()}
    return KeptCell(utc_ns, str(head["source"]), gain_db, range_hz, cell, reference)
