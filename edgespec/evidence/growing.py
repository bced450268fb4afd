"""A SigMF recording that grows: whatever ends it, what was written is valid."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from edgespec import __version__
from edgespec.errors import ConfigError, EdgespecError, UsageError
from edgespec.newfile import check_new, replace_file, unwritable, write_all, write_new
from edgespec.records import IqBlock, SourceInfo
from edgespec.units import format_utc

__all__ = ["GrowingRecording", "check_room", "recording_paths"]

_META, _DATA, _ARCHIVE = ".sigmf-meta", ".sigmf-data", ".sigmf"
#: Annotations of one kind that are kept; captures say of more drops where they are.
_MOST_ANNOTATIONS = 1000
_CLIPPED = 1e-3
#: Given back by the data where the disk is full, for the metadata.
_ROOM_BYTES = 1 << 18


def recording_paths(path: Path) -> tuple[Path, Path]:
    """Return the files of data and metadata of a recording, however its name is given.

    Raises:
        ConfigError: one of them is there, or cannot be written.
        UsageError: the path ends with no name of a file.
    """
    name = path.name
    for ending in (_META, _DATA, _ARCHIVE):
        name = name.removesuffix(ending)
    if name in ("", ".", ".."):
        raise UsageError(
            f"{str(path)!r:.160} names no recording: a name in a folder is accepted, such as "
            f"./NAME, of which NAME{_DATA} and NAME{_META} are made"
        )
    data, meta = path.with_name(name + _DATA), path.with_name(name + _META)
    for file in (data, meta):
        check_new(file)
    return data, meta


def check_room(folder: Path, n_bytes: int) -> None:
    """See that the disk of a folder has room for samples.

    Raises:
        ConfigError: it has not, or there is no such folder.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written to: {error.strerror}") from error
    if n_bytes > free:
        raise ConfigError(
            f"so many seconds are {n_bytes / 1e6:.0f} MB, and {folder} has room for "
            f"{free / 1e6:.0f} MB: ask for fewer seconds, or use another disk"
        )


class GrowingRecording:
    """Writes blocks behind each other; gaps and retunes begin captures, which say what is missing.

    Where a radio was tuned to another band in between, nothing is lost, and a capture begins, too.
    The metadata is there from the first block on, and put in order by ``close``.

    Args:
        path: of the recording; see :func:`recording_paths`.
        info: of the source.
        gain: what is known of its gain, as text; '' for nothing.

    Attributes:
        meta: path of the metadata.
        n_samples: that were written.
        n_dropped: samples that were lost in between.

    Raises:
        ConfigError: it exists, or cannot be written.
    """

    def __init__(self, path: Path, info: SourceInfo, gain: str) -> None:
        self._data, self.meta = recording_paths(path)
        self._info, self._gain = info, gain
        self._bytes_a_sample = info.sample_format.sample_bytes
        self._dtype = info.sample_format.dtype.newbyteorder("<")
        self._captures: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._center_hz = 0.0
        self._clipped: dict[str, Any] | None = None
        self.n_samples = self.n_dropped = self._n_drops = 0
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.open(self._data, flags, 0o644)
        except OSError as error:
            raise unwritable(self._data, error) from error

    def add(self, block: IqBlock, clipped_share: float) -> None:
        """Write a block.

        Raises:
            EdgespecError: the disk does not take it; what came before is there.
        """
        is_first = not self._captures
        n_dropped = 0 if is_first else block.n_dropped
        is_away = block.n_away > 0
        if is_first or n_dropped or is_away or block.center_freq_hz != self._center_hz:
            self._begin_capture(block, n_dropped)
        if is_first:
            write_new(self.meta, self._metadata())
        try:
            write_all(self._file, block.samples.astype(self._dtype, copy=False).tobytes())
        except OSError as error:
            raise EdgespecError(
                f"the disk does not take more ({error.strerror}): "
                f"{self.n_samples / self._info.sample_rate_hz:.1f} s are in {self.meta}; make room "
                "and record again"
            ) from error
        self._mark_clipped(block.n_samples, clipped_share)
        self.n_samples += block.n_samples

    def close(self) -> None:
        """End it: whole samples, and all that is known of them; without any, no file is left.

        Raises:
            EdgespecError: its samples were removed, or the metadata cannot be brought up to date.
        """
        try:
            if not self._is_in_place():
                self.meta.unlink(missing_ok=True)
                raise EdgespecError(
                    f"{self._data} was removed while it was recorded, and nothing is left of it: "
                    "record again"
                )
            os.ftruncate(self._file, self.n_samples * self._bytes_a_sample)
            os.fsync(self._file)
            if not self.n_samples:
                self._data.unlink()
                self.meta.unlink(missing_ok=True)
                return
            try:
                replace_file(self.meta, self._metadata().encode())
            except OSError:
                # Some room is better than much signal that nobody can read.
                n_less = min(-(-_ROOM_BYTES // self._bytes_a_sample), self.n_samples - 1)
                self.n_samples -= n_less
                os.ftruncate(self._file, self.n_samples * self._bytes_a_sample)
                replace_file(self.meta, self._metadata().encode())
        except OSError as error:
            raise EdgespecError(
                f"{self.meta} cannot be brought up to date ({error.strerror}): the samples are "
                "there, without a word of what was lost in between"
            ) from error
        finally:
            os.close(self._file)

    def _is_in_place(self) -> bool:
        """Whether the samples that were written are where they were begun."""
        try:
            return os.path.samestat(os.fstat(self._file), self._data.stat())
        except FileNotFoundError:
            return False

    def _begin_capture(self, block: IqBlock, n_dropped: int) -> None:
        self._center_hz = block.center_freq_hz
        capture: dict[str, Any] = {
            "core:sample_start": self.n_samples,
            "core:global_index": block.sample_start,
        }
        if block.center_freq_hz:
            capture["core:frequency"] = block.center_freq_hz
        if block.utc_ns:
            capture["core:datetime"] = format_utc(block.utc_ns)
        self._captures.append(capture)
        if not n_dropped:
            return
        self.n_dropped += n_dropped
        self._n_drops += 1
        if self._n_drops <= _MOST_ANNOTATIONS:
            comment = f"{n_dropped} samples were lost before this one"
            self._annotate(self.n_samples, 1, "dropped", comment, n_dropped=n_dropped)

    def _mark_clipped(self, n_samples: int, share: float) -> None:
        """Mark samples that clip; blocks in a row are one annotation."""
        if share <= _CLIPPED:
            self._clipped = None
        elif self._clipped is not None:
            self._clipped["core:sample_count"] += n_samples
        elif len(self._annotations) < 2 * _MOST_ANNOTATIONS:
            comment = "more than 0.1% of I and Q at their limits"
            self._clipped = self._annotate(self.n_samples, n_samples, "clipped", comment)

    def _annotate(
        self, start: int, count: int, label: str, comment: str, **fields: object
    ) -> dict[str, Any]:
        one = {
            "core:sample_start": start,
            "core:sample_count": count,
            "core:label": label,
            "core:comment": comment,
            "core:generator": f"edgespec {__version__}",
            **{f"edgespec:{key}": value for key, value in fields.items()},
        }
        self._annotations.append(one)
        return one

    def _metadata(self) -> str:
        annotations = list(self._annotations)
        if self._gain:
            gain = {
                "core:sample_start": 0,
                "core:sample_count": max(self.n_samples, 1),
                "core:label": "gain",
                "core:comment": f"gain: {self._gain}",
                "core:generator": f"edgespec {__version__}",
            }
            annotations.append(gain)
        shown = [one for one in annotations if one["core:sample_start"] < max(self.n_samples, 1)]
        shown.sort(key=lambda one: int(one["core:sample_start"]))
        meta = {
            "global": {
                "core:datatype": self._info.sample_format.datatype,
                "core:sample_rate": self._info.sample_rate_hz,
                "core:version": "1.2.5",
                "core:recorder": f"edgespec {__version__}",
                "core:extensions": [{"name": "edgespec", "version": "1.0.0", "optional": True}],
            },
            "captures": [
                one for one in self._captures if one["core:sample_start"] < max(self.n_samples, 1)
            ],
            "annotations": [
                {
                    **one,
                    "core:sample_count": min(
                        one["core:sample_count"],
                        max(self.n_samples, 1) - one["core:sample_start"],
                    ),
                }
                for one in shown
            ],
        }
        return json.dumps(meta, indent=1)
