"""Where the metadata and the samples of a recording lie: two files, or an archive."""

import itertools
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edgespec.door import brief
from edgespec.errors import SourceError, UsageError
from edgespec.sources.oddities import Oddities
from edgespec.sources.regular import check_regular

__all__ = ["Extent", "Recording", "find_data", "find_recording"]

_META, _DATA, _ARCHIVE = ".sigmf-meta", ".sigmf-data", ".sigmf"
_GIVE = "give the path of a recording's metadata"
#: Metadata of this size has 80,000 annotations, and takes up to .5 s and 200 MB to be read.
_META_BYTES = 1 << 23
_HEAD_BYTES = 1 << 20
_MOST_MEMBERS = 10_000
_PACKED = {b"\x1f\x8b": "tar -xf", b"\xfd7zXZ": "tar -xf", b"BZh": "tar -xf", b"PK": "unzip"}


@dataclass(frozen=True, slots=True)
class Extent:
    """A stretch of bytes in a file."""

    path: Path
    byte_start: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Recording:
    """Metadata as it stands in ``meta_path``; its samples, where an archive holds both."""

    meta_path: Path
    meta: bytes
    data: Extent | None


def find_recording(path: Path, oddities: Oddities) -> Recording:
    """Return the metadata of the recording that ``path`` names.

    The path is that of the metadata, of the data, of both without their ending, or of an archive.

    Raises:
        SourceError: there is none, or it cannot be read.
        UsageError: the path ends with no name of a file.
    """
    base = path.name
    for suffix in (_META, _DATA, _ARCHIVE):
        base = base.removesuffix(suffix)
    if base in ("", ".", ".."):
        raise UsageError(
            f"sigmf:{brief(path, 160)} names no recording: write sigmf:FOLDER/NAME, with the "
            f"ending {_META}, {_DATA} or {_ARCHIVE} or without"
        )
    meta_path = path.with_name(base + _META)
    is_archive = path.name.endswith(_ARCHIVE) and path.is_file()
    if not is_archive and meta_path.is_file():
        return Recording(meta_path, _read(meta_path), None)
    archive = path if is_archive else path.with_name(base + _ARCHIVE)
    if archive.is_file():
        return _open_archive(archive, oddities)
    for one in (meta_path, archive):
        check_regular(one, _GIVE)
    names = [base + _DATA, path.name]
    if any(path.with_name(name).is_file() for name in names):
        raise SourceError(
            f"the SigMF recording {brief(path, 160)} is half there: {brief(meta_path.name)} is "
            "missing; copy both files"
        )
    check_regular(path, _GIVE)
    raise SourceError(
        f"there is no SigMF recording at {brief(path, 160)}: neither {brief(meta_path.name)} nor "
        f"{brief(archive.name)} exists; check the path"
    )


def find_data(meta_path: Path, head: Mapping[str, Any], oddities: Oddities) -> Extent:
    """Return where the samples lie that the metadata in a file of its own belongs to.

    That is the file beside it, or, in a non-conforming dataset, the one that it names.

    Raises:
        SourceError: there is none.
    """
    path = meta_path.with_name(meta_path.name.removesuffix(_META) + _DATA)
    name = head.get("core:dataset")
    if isinstance(name, str) and name:
        other = meta_path.with_name(name) if Path(name).name == name else None
        if other is not None and other.is_file():
            path = other
        else:
            oddities.add(f"core:dataset names {brief(name)}, which is no file beside it")
    if path.is_file():
        return Extent(path, 0, path.stat().st_size)
    check_regular(path, "copy the data of the recording there")
    if head.get("core:metadata_only"):
        raise SourceError(
            f"{brief(meta_path, 160)} is metadata only, so there is nothing to play: get the "
            "recording with its data"
        )
    raise SourceError(
        f"the SigMF recording {brief(meta_path, 160)} is half there: {brief(path.name)} is "
        "missing; copy both files"
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _bounded(file, path)
    except OSError as error:
        raise SourceError(
            f"cannot read {brief(path, 160)}: {error.strerror}: check its permissions"
        ) from error


def _bounded(file: Any, where: Path) -> bytes:
    octets: bytes = file.read(_META_BYTES + 1)
    if len(octets) > _META_BYTES:
        raise SourceError(
            f"the metadata in {brief(where, 160)} is larger than {_META_BYTES >> 20} MiB: leave "
            "annotations out of it"
        )
    return octets


class _Headers:
    """The file below an archive, from which nothing large is read at once.

    An archive's headers name the length of their own extensions, and tarfile believes them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, n_bytes: int) -> bytes:
        if n_bytes > _HEAD_BYTES:
            raise SourceError("it has a header of more than 1 MiB: get it again")
        return self._file.read(n_bytes)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _open_archive(path: Path, oddities: Oddities) -> Recording:
    with path.open("rb") as file:
        start = file.read(8)
        for magic, command in _PACKED.items():
            if start.startswith(magic):
                raise SourceError(
                    f"{brief(path, 160)} is packed, and is not played from inside: unpack it with "
                    f"'{command}' first"
                )
        file.seek(0)
        members = _members(_Headers(file), path, oddities)
        metas = [member for member in members if member.name.endswith(_META)]
        for meta in metas:
            data = _data_of(meta, members)
            if data is None:
                continue
            if len(metas) > 1:
                oddities.add(f"it holds {len(metas)} recordings; {brief(meta.name)} is played")
            file.seek(meta.offset_data)
            text = _bounded(_Part(file, meta.size), path)
            n_bytes = min(data.size, path.stat().st_size - data.offset_data)
            if n_bytes < data.size:
                oddities.add(f"{data.size - n_bytes} bytes of its data are missing at the end")
            return Recording(path, text, Extent(path, data.offset_data, n_bytes))
    raise SourceError(
        f"{brief(path, 160)} holds no recording: no NAME{_META} with its data beside it in "
        f"{len(members)} members"
    )


class _Part:
    """A member of an archive, to be read from its start."""

    def __init__(self, file: BinaryIO, n_bytes: int) -> None:
        self._file, self._n_left = file, n_bytes

    def read(self, n_bytes: int) -> bytes:
        octets = self._file.read(min(n_bytes, self._n_left))
        self._n_left -= len(octets)
        return octets


def _members(file: _Headers, path: Path, oddities: Oddities) -> list[tarfile.TarInfo]:
    members: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:  # type: ignore[call-overload]
            # A sparse file does not lie in one piece; macOS adds a file ._NAME to each other.
            members.extend(
                member
                for member in itertools.islice(archive, _MOST_MEMBERS)
                if member.isreg()
                and not member.issparse()
                and not member.name.rpartition("/")[2].startswith("._")
            )
    except (SourceError, tarfile.TarError, ValueError, OSError) as error:
        if not members:
            raise SourceError(
                f"{brief(path, 160)} is no archive of SigMF, which is a tar file ({brief(error)}):"
                " it is damaged, or something else"
            ) from error
        oddities.add(f"the archive is damaged behind {members[-1].name} ({brief(error)})")
    return members


def _data_of(meta: tarfile.TarInfo, members: list[tarfile.TarInfo]) -> tarfile.TarInfo | None:
    """Return the data beside ``meta``: by its name, or the only other file in its folder."""
    name = meta.name.removesuffix(_META) + _DATA
    folder = meta.name.rpartition("/")[0]
    beside = [m for m in members if m.name.rpartition("/")[0] == folder and m is not meta]
    named = [m for m in beside if m.name == name]
    if named:
        # What stands last in a tar file replaces what stood before.
        return named[-1]
    return beside[0] if len(beside) == 1 else None
