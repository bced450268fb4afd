"""Which file of the observer's state is a band's, and whose levels are in it."""

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path

from edgespec.dsp.stream import is_near_range

__all__ = ["LearntKind", "LevelFile", "band_file", "learnt_file", "level_file"]


class LearntKind(Enum):
    """What is kept of a band of what was learnt there: a folder of the state directory each.

    In it are a file a band, and, of some, one a cell.
    """

    RHYTHM = ("rhythm", ".rhythm", "rhythm")
    NORMAL = ("normal", ".normal", "last warm-up")
    SITE = ("site", ".site", "slow levels")
    CELLS = ("cells", ".cell", "cells")
    SCALES = ("scales", ".scales", "scales in cells")
    CALIBRATION = ("calibration", ".json", "calibration")

    def __init__(self, folder: str, ending: str, title: str) -> None:
        self.folder = folder
        self.ending = ending
        self.title = title


@dataclass(frozen=True, slots=True)
class LevelFile:
    """Where levels of a band are kept, and of what: they mean nothing at another source or gain."""

    path: Path
    source: str
    gain_db: float
    range_hz: tuple[float, float]

    def is_of(self, source: str, gain_db: float, range_hz: tuple[float, float]) -> bool:
        """Whether what was kept of a source, a gain and a range can be compared with its band."""
        is_same_range = is_near_range(range_hz, self.range_hz)
        return is_same_range and (source, gain_db) == (self.source, self.gain_db)


def band_file(folder: Path, band: str, ending: str) -> Path:
    """Return the file of a band in a folder; its id may hold what a name of a file cannot."""
    name = sha256(band.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return folder / f"{name}{ending}"


def learnt_file(kind: LearntKind, state_dir: Path, band: str) -> Path:
    """Return the file of a band in the state directory of an observer."""
    return band_file(state_dir / kind.folder, band, kind.ending)


def level_file(
    kind: LearntKind,
    state_dir: Path,
    band: str,
    source: str,
    gain_db: float | None,
    range_hz: tuple[float, float],
) -> LevelFile | None:
    """Return the file of a band; None where a receiver sets its own gain: levels mean nothing."""
    if gain_db is None:
        return None
    return LevelFile(learnt_file(kind, state_dir, band), source, gain_db, range_hz)
