"""A data set of sweeps: a folder of files of sweeps, and ``sweeps.json``, which splits them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from converter.data.dataset import SPLITS
from converter.data.ingest import file_sha256
from converter.data.sweeps.sweep_file import load_sweeps
from edgespec.decode import Decoder, read_bounded
from edgespec.door import door
from edgespec.errors import SourceError, UsageError
from edgespec.option import about
from edgespec.sweep_table import SweepTable

__all__ = [
    "SweepDataset",
    "SweepPart",
    "is_sweep_dataset",
    "load_sweep_dataset",
    "load_sweep_part",
    "save_sweep_dataset",
]

_SCHEMA = "edgespec.sweep-dataset/1"
_INDEX = "sweeps.json"
_DECODER = Decoder(SourceError, advice="build the data set again", needs_all=True)


@dataclass(frozen=True, slots=True)
class SweepPart:
    """A file of sweeps, or a stretch of one, which belongs to one split.

    ``band`` is what is heard, ``file`` relative to the folder, ``origin`` where it came from:
    a seed or another file. ``first_sweep`` and ``n_sweeps`` say which of its sweeps.
    """

    name: str
    band: str
    split: str
    file: str
    file_sha256: str
    n_sweeps: int
    origin: str
    first_sweep: int = field(
        default=0, metadata=about("First sweep of the stretch", minimum=0, may_lack=True)
    )

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"split of {self.name!r} is {self.split!r}; known are {SPLITS}")
        if Path(self.file).name != self.file:
            raise UsageError(f"file of {self.name!r} is {self.file!r}, outside of the folder")
        if min(self.first_sweep, self.n_sweeps) < 0:
            raise UsageError(
                f"recording {self.name!r} has first_sweep {self.first_sweep} and n_sweeps "
                f"{self.n_sweeps}; neither may be negative"
            )


@dataclass(frozen=True, slots=True)
class _Index:
    recordings: tuple[SweepPart, ...]


@dataclass(frozen=True, slots=True)
class SweepDataset:
    """The index of a data set of sweeps; ``sha256`` is that of ``sweeps.json``."""

    folder: Path
    parts: tuple[SweepPart, ...]
    sha256: str

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that are heard, in the order of the parts."""
        return tuple(dict.fromkeys(part.band for part in self.parts))

    def split(self, name: str, band: str | None = None) -> tuple[SweepPart, ...]:
        """Return the parts of one split, of one band or of all."""
        return tuple(
            part for part in self.parts if part.split == name and band in (None, part.band)
        )


def is_sweep_dataset(folder: Path) -> bool:
    """Return whether a folder is a data set of sweeps, and not of samples."""
    return (folder / _INDEX).is_file()


def save_sweep_dataset(folder: Path, parts: Sequence[SweepPart]) -> SweepDataset:
    """Write ``sweeps.json`` beside the files and return the data set.

    Raises:
        SourceError: the folder cannot be written.
    """
    data = {"schema": _SCHEMA, **asdict(_Index(tuple(parts)))}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _INDEX).write_text(json.dumps(data, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise SourceError(f"data set {str(folder)!r} cannot be written: {error}") from error
    return load_sweep_dataset(folder)


def load_sweep_dataset(folder: Path) -> SweepDataset:
    """Return the index of a data set of sweeps.

    Raises:
        SourceError: it is missing, damaged or of another version.
    """
    path = folder / _INDEX
    advice = "give a folder that edgespec-converter dataset-sweeps or simulate-sweeps has written"
    with door(f"data set {str(folder)!r}", SourceError, advice):
        content = read_bounded(path, SourceError, advice)
        index = _DECODER.from_json(_Index, content, _SCHEMA, f"{path}, the index of a data set")
    return SweepDataset(folder, index.recordings, hashlib.sha256(content).hexdigest())


def load_sweep_part(dataset: SweepDataset, part: SweepPart) -> SweepTable:
    """Return the sweeps of one part, behind those that come before it in its file.

    From these the means of hours and days come that the device would know; nothing is learnt from
    them. There are ``part.first_sweep`` of them.

    Raises:
        SourceError: its file is missing, damaged or not the one that the index names.
    """
    path = dataset.folder / part.file
    table = load_sweeps(path)
    stop = part.first_sweep + part.n_sweeps
    if file_sha256(path) != part.file_sha256 or table.n_sweeps < stop:
        raise SourceError(
            f"{str(path)!r} is not the file that sweeps.json names: build the data set again"
        )
    return replace(table, utc_s=table.utc_s[:stop], levels_db=table.levels_db[:stop])
