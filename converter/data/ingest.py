"""From recordings to a data set, one recording at a time.

:func:`prepare_recording` needs nothing but its arguments, so a loop, a process pool or a cluster
can run it.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.data.dataset import Dataset, Part, save_dataset
from converter.data.splits import Split
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import SourceError, UsageError
from edgespec.framing import Recipe
from edgespec.records import FrameFlag, Geometry, SourceInfo, Spectrogram
from edgespec.sources import open_source
from edgespec.sources.sigmf import data_path
from edgespec.units import POWER_FLOOR_DBFS

__all__ = [
    "PreparedRecording",
    "build_dataset",
    "file_sha256",
    "first_sample_rate",
    "prepare_recording",
    "recording_name",
    "recording_uri",
    "save_frames",
]

#: Samples read at once: large enough that Python does not matter, small enough for a cache.
BLOCK_SAMPLES = 1 << 18
#: Rates differ by rounding in metadata; a real mismatch is far larger.
RATE_RTOL = 1e-6


@dataclass(frozen=True, slots=True)
class PreparedRecording:
    """A recording as frames on disk, not yet in any split."""

    name: str
    file: str
    n_frames: int
    source: str
    source_sha256: str
    file_sha256: str


def recording_uri(text: str) -> str:
    """Return a source URI: as it is, or ``wav:`` or ``sigmf:`` before a path."""
    if re.match(r"[a-z][a-z0-9_]+:", text):
        return text
    return f"{'wav' if Path(text).suffix.lower() in ('.wav', '.w64') else 'sigmf'}:{text}"


def recording_name(uri: str) -> str:
    """Return the name of a recording: of its file without the SigMF ending, in safe letters."""
    stem = re.sub(r"\.(sigmf(-meta|-data)?|wav|w64|raw|bin|iq|c[a-z]+[0-9]*)$", "", _path(uri).name)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", stem).strip(".")
    if not name:
        raise UsageError(f"recording {uri!r} has no name; give the path of a file")
    return name


def prepare_recording(uri: str, folder: Path, recipe: Recipe) -> PreparedRecording:
    """Read a recording to its end and write its frames to ``folder/NAME.npz``.

    Raises:
        SourceError: it cannot be read, or its sample rate is not that of the recipe.
    """
    source = open_source(uri)
    try:
        _check_rate(source.info, recipe)
        front_end = FrontEnd(
            recipe.framing,
            source.info.sample_format,
            max_block_samples=BLOCK_SAMPLES,
            center_freq_hz=source.info.center_freq_hz,
        )
        buffer = source.info.sample_format.empty(BLOCK_SAMPLES)
        blocks = iter(lambda: source.read(buffer), None)
        name = recording_name(uri)
        return save_frames(
            (front_end.process(block) for block in blocks),
            folder / f"{name}.npz",
            recipe,
            source=uri,
            source_sha256=_source_sha256(uri),
        )
    finally:
        source.close()


def first_sample_rate(uris: Sequence[str]) -> float:
    """Return the sample rate in Hz of the first recording.

    Raises:
        SourceError: it cannot be opened.
    """
    source = open_source(uris[0])
    try:
        return source.info.sample_rate_hz
    finally:
        source.close()


def save_frames(
    spectrograms: Iterable[Spectrogram],
    path: Path,
    recipe: Recipe,
    *,
    source: str,
    source_sha256: str = "",
) -> PreparedRecording:
    """Write spectrograms that follow each other as one recording of a data set.

    The power goes through a temporary file, so an hour-long recording does not fill the memory. A
    data set keeps no frequencies, so a retune is written as a gap.

    Raises:
        SourceError: the file cannot be written, or there is not one valid frame.
    """
    n_bins = recipe.geometry.n_bins
    flags, starts = [np.empty(0, np.uint8)], [np.empty(0, np.int64)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".frames") as power:
            grid = None
            for spectrogram in spectrograms:
                if grid not in (None, spectrogram.grid):
                    np.full(n_bins, POWER_FLOOR_DBFS, np.float32).tofile(power)
                    flags.append(np.array([FrameFlag.DROPPED], np.uint8))
                    starts.append(np.array([spectrogram.span.tick_start]))
                grid = spectrogram.grid
                np.ascontiguousarray(spectrogram.power_dbfs, np.float32).tofile(power)
                flags.append(spectrogram.flags.copy())
                starts.append(spectrogram.tick_start.copy())
            n_frames = sum(map(len, flags))
            if not n_frames:
                raise SourceError(
                    f"recording {source!r} has not one frame of {recipe.samples_in(1)} samples: "
                    "give a longer one"
                )
            if not any((part == 0).any() for part in flags):
                raise SourceError(
                    f"recording {source!r} has {n_frames} frames, and none is valid: its samples "
                    "are no numbers, all the same, or clipped; leave it out, or record it again"
                )
            power.flush()
            np.savez(
                path,
                power_dbfs=np.memmap(power.name, np.float32, "r", 0, (n_frames, n_bins)),
                flags=np.concatenate(flags),
                sample_start=np.concatenate(starts),
            )
    except OSError as error:
        raise SourceError(f"recording {str(path)!r} cannot be written: {error}") from error
    return PreparedRecording(
        path.stem, path.name, n_frames, source, source_sha256, file_sha256(path)
    )


def build_dataset(
    uris: Sequence[str],
    folder: Path,
    recipe: Recipe,
    split: Split,
    progress: Callable[[PreparedRecording], None] = lambda _: None,
) -> Dataset:
    """Prepare every recording, split them and write the index of the data set.

    ``split`` names recordings as :func:`recording_name` does.

    Raises:
        UsageError: two recordings have the same name.
        SourceError: a recording cannot be read.
    """
    names = [recording_name(uri) for uri in uris]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two recordings are called {name!r}; rename one of their files")
    parts: list[Part] = []
    for uri in uris:
        recording = prepare_recording(uri, folder, recipe)
        parts.extend(split_recording(recording, split, recipe.geometry))
        progress(recording)
    method = dict(split.method)
    if split.of_time:
        method["gap_frames"] = recipe.geometry.n_segment
    return save_dataset(folder, recipe, tuple(parts), method)


def split_recording(
    recording: PreparedRecording, split: Split, geometry: Geometry
) -> Iterable[Part]:
    """Yield the parts of a recording, one for each split it has a stretch in."""
    for name, first, n_frames in split.stretches(
        recording.name, recording.n_frames, geometry.n_segment
    ):
        yield Part(
            name=recording.name,
            split=name,
            file=recording.file,
            first_frame=first,
            n_frames=n_frames,
            source=recording.source,
            source_sha256=recording.source_sha256,
            file_sha256=recording.file_sha256,
        )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _path(uri: str) -> Path:
    return Path(uri.partition(":")[2].partition("?")[0])


def _source_sha256(uri: str) -> str:
    path = _path(uri)
    if uri.startswith("sigmf:"):
        path = data_path(path)
    return file_sha256(path) if path.is_file() else ""


def _check_rate(info: SourceInfo, recipe: Recipe) -> None:
    if abs(info.sample_rate_hz / recipe.sample_rate_hz - 1) > RATE_RTOL:
        raise SourceError(
            f"recording {info.uri!r} has {info.sample_rate_hz:.10g} samples a second, but the "
            f"data set {recipe.sample_rate_hz:.10g}: one data set has one sample rate"
        )
