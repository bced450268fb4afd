"""What was learnt of a band without a cell, kept over a restart: one small file a band."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.observer.kept.band_file import LearntKind, LevelFile, level_file
from edgespec.observer.kept.kept_arrays import load_arrays, range_of, save_arrays
from edgespec.reference import Reference

__all__ = ["KeptBand", "load_kept_band", "rhythm_file", "save_kept_band"]

#: The levels of 5,000 runs, of 1,024 bins, are 80 kB.
MAX_BYTES = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class KeptBand:
    """What the detector for any band had learnt at ``utc_ns``, and from what."""

    utc_ns: int
    source: str
    gain_db: float
    range_hz: tuple[float, float]
    reference: Reference

    def is_of(self, file: LevelFile) -> bool:
        """Whether it can be compared with what is heard now."""
        return file.is_of(self.source, self.gain_db, self.range_hz)


def rhythm_file(
    folder: Path, band: str, source: str, gain_db: float | None, range_hz: tuple[float, float]
) -> LevelFile | None:
    """Return the file of a band, as :func:`level_file`."""
    return level_file(LearntKind.RHYTHM, folder, band, source, gain_db, range_hz)


def save_kept_band(path: Path, kept: KeptBand) -> None:
    """Put it in the place of the file in one step; a disk that refuses costs the file alone."""
    head = {
        "utc_ns": kept.utc_ns,
        "source": kept.source,
        "gain_db": kept.gain_db,
        "range_hz": list(kept.range_hz),
    }
    save_arrays(path, head, kept.reference, unkept="the rhythm of the band is not kept")


def load_kept_band(path: Path) -> KeptBand | None:
    """Return what was kept, None where there is nothing or nothing that can be read."""
    what = "the rhythm of a band"
    return load_arrays(path, MAX_BYTES, _parse, label=what, unlike=f"not {what}")


def _parse(head: Any, arrays: Mapping[str, NDArray[Any]]) -> KeptBand:
    range_hz, gain_db = range_of(head), float(head["gain_db"])
    if not all(map(math.isfinite, (*range_hz, gain_db))):
        raise ValueError("a number is not finite")
    reference = {name: np.asarray(values) for name, values in arrays.items()}
    return KeptBand(int(head["utc_ns"]), str(head["source"]), gain_db, range_hz, reference)
