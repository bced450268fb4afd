"""A data set: a folder of recordings as frames, and ``dataset.json``, which splits them.

Each recording is one ``NAME.npz``: ``power_dbfs`` float32 ``(n_frames, n_bins)``, ``flags``
uint8 and ``sample_start`` int64 ``(n_frames,)``. An entry of the index is a recording, or a
stretch of one, and belongs to one split.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from converter.data.npzmap import map_npz
from edgespec.decode import Decoder, read_bounded
from edgespec.door import door
from edgespec.errors import SourceError, UsageError
from edgespec.framing import Recipe
from edgespec.records import Geometry, Spectrogram

__all__ = ["SCHEMA", "SPLITS", "Dataset", "Part", "load_dataset", "load_part", "save_dataset"]

SCHEMA = "edgespec.dataset/1"
SPLITS = ("train", "validation", "calibration", "test")
_DECODER = Decoder(SourceError, advice="build the data set again", needs_all=True)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one recording that belongs to one split.

    ``file`` is relative to the folder; ``first_frame`` and ``n_frames`` say which of its frames.
    ``source`` is where the samples came from and ``source_sha256`` the hash of their file, empty
    where there is none; ``file_sha256`` is that of ``file``.
    """

    name: str
    split: str
    file: str
    first_frame: int
    n_frames: int
    source: str
    source_sha256: str
    file_sha256: str

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"split of {self.name!r} is {self.split!r}; known are {SPLITS}")
        if Path(self.file).name != self.file:
            raise UsageError(f"file of {self.name!r} is {self.file!r}, outside of the folder")
        if self.first_frame < 0 or self.n_frames < 0:
            raise UsageError(
                f"recording {self.name!r} has first_frame {self.first_frame} and n_frames "
                f"{self.n_frames}; neither may be negative"
            )


@dataclass(frozen=True, slots=True)
class _Index:
    """What ``dataset.json`` holds beside its schema."""

    geometry: Recipe
    split_method: Mapping[str, Any]
    recordings: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The index of a data set. ``sha256`` is that of ``dataset.json``, which holds all others.

    ``recipe`` is what its frames and segments are made with; ``dataset.json`` calls it
    ``geometry``.
    """

    folder: Path
    recipe: Recipe
    parts: tuple[Part, ...]
    split_method: Mapping[str, Any]
    sha256: str

    @property
    def geometry(self) -> Geometry:
        """How frames become segments."""
        return self.recipe.geometry

    def split(self, name: str) -> tuple[Part, ...]:
        """Return the parts of one split."""
        return tuple(part for part in self.parts if part.split == name)


def save_dataset(
    folder: Path, recipe: Recipe, parts: tuple[Part, ...], split_method: Mapping[str, Any]
) -> Dataset:
    """Write ``dataset.json`` beside the recordings and return the data set.

    Raises:
        SourceError: the folder cannot be written.
    """
    data = {"schema": SCHEMA, **asdict(_Index(recipe, dict(split_method), parts))}
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dataset.json").write_text(text)
    except OSError as error:
        raise SourceError(f"data set {str(folder)!r} cannot be written: {error}") from error
    return load_dataset(folder)


def load_dataset(folder: str | Path) -> Dataset:
    """Return the index of a data set.

    Raises:
        SourceError: it is missing, damaged or of another version.
    """
    folder = Path(folder)
    path = folder / "dataset.json"
    advice = "give a folder that edgespec-converter dataset has written"
    with door(f"data set {str(folder)!r}", SourceError, advice):
        content = read_bounded(path, SourceError, advice)
        index = _DECODER.from_json(_Index, content, SCHEMA, f"{path}, the index of a data set")
    sha256 = hashlib.sha256(content).hexdigest()
    return Dataset(folder, index.geometry, index.recordings, index.split_method, sha256)


def load_part(dataset: Dataset, part: Part) -> Spectrogram:
    """Return the frames of one part, mapped from disk, on a grid around an unknown centre.

    Raises:
        SourceError: the file is missing, damaged or does not hold these frames.
    """
    path = dataset.folder / part.file
    arrays = map_npz(path)
    stop = part.first_frame + part.n_frames
    power, flags, start = (arrays.get(n) for n in ("power_dbfs", "flags", "sample_start"))
    if (
        power is None
        or flags is None
        or start is None
        or power.ndim != 2
        or power.shape[1] != dataset.geometry.n_bins
        or not len(power) == len(flags) == len(start) >= stop
    ):
        raise SourceError(
            f"recording {str(path)!r} does not hold the {stop} frames of "
            f"{dataset.geometry.n_bins} bins that dataset.json promises: build the data set again"
        )
    frames = slice(part.first_frame, stop)
    return Spectrogram(power[frames], flags[frames], start[frames], dataset.recipe.framing.grid())
