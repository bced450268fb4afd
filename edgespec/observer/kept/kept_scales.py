"""What the detectors of segments learnt in a cell, kept over a restart: a file for each cell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.observer.kept.band_file import LearntKind, LevelFile, level_file
from edgespec.observer.kept.kept_arrays import load_arrays, range_of, save_arrays
from edgespec.observer.kept.kept_cells import file_of_cell, files_of_cells, tidy_up
from edgespec.reference import Reference

__all__ = ["CellScale", "load_scales", "save_scales", "scales_file"]

#: 128 rows of 1,024 bins in four maps of float32 are 2.1 MB.
MAX_BYTES = 4_000_000
#: What 64 bits hold, in the year 2262.
_LAST_NS = 2**63 - 1
#: Names of technology and identity, as of a file.
_LONGEST_LABEL = 40


@dataclass(frozen=True, slots=True, eq=False)
class CellScale:
    """What was learnt in the cell of a label, by a model, at ``utc_ns``.

    At a gain that had moved by ``moved_db`` since the observer began. There is no
    ``model_sha256``, '', where no model was there.
    """

    label: str
    utc_ns: int
    model_sha256: str
    reference: Reference
    moved_db: float = 0.0


def scales_file(
    folder: Path, band: str, source: str, gain_db: float | None, range_hz: tuple[float, float]
) -> LevelFile | None:
    """Return the file of a band, as :func:`level_file`."""
    return level_file(LearntKind.SCALES, folder, band, source, gain_db, range_hz)


def save_scales(file: LevelFile, kept: CellScale) -> None:
    """Put it in the place of its file; those of cells that were kept longest ago go."""
    head = {
        "utc_ns": kept.utc_ns,
        "source": file.source,
        "gain_db": file.gain_db,
        "range_hz": list(file.range_hz),
        "cell": kept.label,
        "model_sha256": kept.model_sha256,
    }
    path = file_of_cell(file.path, kept.label)
    save_arrays(path, head, kept.reference, unkept="what is normal in the cell is not kept")
    tidy_up(file.path)


def load_scales(file: LevelFile) -> Iterator[CellScale]:
    """Yield what is kept of each cell of a band, the oldest first, where it is of here."""
    what = "what was normal in a cell"

    def parse(head: Any, arrays: Mapping[str, NDArray[Any]]) -> CellScale | None:
        return _parse(file, head, arrays)

    for path in files_of_cells(file.path):
        kept = load_arrays(path, MAX_BYTES, parse, label=what, unlike=f"not {what}")
        if kept is not None:
            yield kept


def _parse(file: LevelFile, head: Any, arrays: Mapping[str, NDArray[Any]]) -> CellScale | None:
    """Return it, None where it is of another place, source or gain."""
    label, sha256, utc_ns = head["cell"], head["model_sha256"], int(head["utc_ns"])
    if not isinstance(label, str) or not isinstance(sha256, str) or len(label) > _LONGEST_LABEL:
        raise ValueError("it names no cell, or no model")
    if not 0 <= utc_ns <= _LAST_NS:
        raise ValueError(f"its time is {utc_ns:.3g} ns")
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise ValueError("a number is not finite")
    if not file.is_of(str(head["source"]), float(head["gain_db"]), range_of(head)):
        return None
    return CellScale(label, utc_ns, sha256, dict(arrays))
