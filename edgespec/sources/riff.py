"""The chunks of a wav file: RIFF, RF64 and BW64 (EBU Tech 3306) and Sony's Wave64."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgespec.door import brief
from edgespec.errors import SourceError
from edgespec.sources.oddities import Oddities

__all__ = ["Chunks", "WaveFormat", "read_chunks"]

_MOST_CHUNKS = 1000
#: An ``auxi`` chunk of XML has 2 kB.
_AUXI_BYTES = 1 << 16
_UNKNOWN_SIZE = 0xFFFFFFFF
#: Wave64 names chunks by 16 bytes, of which the first four are those of RIFF.
_W64_FILE = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_WAVE = bytes.fromhex("77617665f3acd3118cd100c04f8edb8a")
_EXTENSIBLE = 0xFFFE


@dataclass(frozen=True, slots=True)
class WaveFormat:
    """The ``fmt`` chunk: ``tag`` 1 is integers, 3 floats; ``frame_bytes`` of all channels."""

    tag: int
    n_channels: int
    sample_rate_hz: int
    frame_bytes: int
    n_bits: int


@dataclass(slots=True)
class Chunks:
    """What a wav file holds: its format, where its samples lie, and its ``auxi`` chunk."""

    format: WaveFormat
    byte_start: int
    n_bytes: int
    auxi: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes
    byte_start: int
    n_bytes: int


def read_chunks(path: Path, oddities: Oddities) -> Chunks:
    """Return the chunks of a wav file.

    A recorder that was cut off, or could not go back, leaves a length of the data that is not that
    of the file: then the data goes to the end of the file.

    Raises:
        SourceError: it is no wav file, or has no format or no data.
    """
    with path.open("rb") as file:
        n_file = path.stat().st_size
        head = file.read(40)
        if head[:16] == _W64_FILE and head[24:40] == _W64_WAVE:
            chunks = _w64_chunks(file, n_file)
        elif head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
            chunks = _riff_chunks(file, n_file)
        else:
            raise SourceError(
                f"{brief(path, 160)} is no wav file (it begins with {brief(head[:12], 60)}): play "
                "samples alone as raw:PATH?datatype=...&sample_rate=..."
            )
        return _sort(file, chunks, n_file, path, oddities)


def _riff_chunks(file: BinaryIO, n_file: int) -> Iterator[_Chunk]:
    """Yield the chunks of RIFF; the length of ``data`` is that of a ``ds64`` chunk before it."""
    start, long_bytes = 12, None
    for _ in range(_MOST_CHUNKS):
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            return
        name, n_bytes = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"ds64":
            sizes = file.read(16)
            long_bytes = struct.unpack("<Q", sizes[8:])[0] if len(sizes) == 16 else None
        if name == b"data" and n_bytes == _UNKNOWN_SIZE and long_bytes is not None:
            n_bytes = long_bytes
        yield _Chunk(name, start + 8, n_bytes)
        start += 8 + n_bytes + n_bytes % 2
        if start >= n_file:
            return


def _w64_chunks(file: BinaryIO, n_file: int) -> Iterator[_Chunk]:
    """Yield the chunks of Wave64, whose lengths count their heads and are rounded up to 8."""
    start = 40
    for _ in range(_MOST_CHUNKS):
        file.seek(start)
        head = file.read(24)
        if len(head) < 24:
            return
        n_bytes = max(24, struct.unpack("<Q", head[16:])[0])
        yield _Chunk(head[:4], start + 24, n_bytes - 24)
        start += -(-n_bytes // 8) * 8
        if start >= n_file:
            return


def _sort(
    file: BinaryIO, chunks: Iterator[_Chunk], n_file: int, path: Path, oddities: Oddities
) -> Chunks:
    wave_format = None
    data: _Chunk | None = None
    auxi: bytes | None = None
    for chunk in chunks:
        if chunk.name == b"data" and data is None:
            data = chunk
        elif chunk.name == b"fmt " and wave_format is None:
            file.seek(chunk.byte_start)
            wave_format = _read_format(file.read(min(chunk.n_bytes, 40)), path)
        elif chunk.name == b"auxi" and auxi is None:
            file.seek(chunk.byte_start)
            auxi = file.read(min(chunk.n_bytes, _AUXI_BYTES))
    if wave_format is None or data is None:
        lacks = "fmt" if wave_format is None else "data"
        raise SourceError(
            f"{brief(path, 160)} is a wav file without a chunk {lacks!r}: it is damaged; get it "
            "again"
        )
    return Chunks(wave_format, data.byte_start, _data_bytes(data, n_file, oddities), auxi)


def _data_bytes(data: _Chunk, n_file: int, oddities: Oddities) -> int:
    """Return how many bytes of samples there are, whatever the head says."""
    n_there = n_file - data.byte_start
    if data.n_bytes > n_there:
        if data.n_bytes != _UNKNOWN_SIZE:
            oddities.add(f"{data.n_bytes - n_there} bytes of its data are missing at the end")
        return n_there
    if data.n_bytes == 0 or (data.n_bytes < n_there and (n_there - data.n_bytes) >> 32):
        oddities.add(f"its head says {data.n_bytes} bytes of data, {n_there} are there and played")
        return n_there
    return data.n_bytes


def _read_format(octets: bytes, path: Path) -> WaveFormat:
    if len(octets) < 16:
        raise SourceError(f"{brief(path, 160)} has a cut format chunk: it is damaged; get it again")
    tag, n_channels, rate_hz, _, frame_bytes, n_bits = struct.unpack("<HHIIHH", octets[:16])
    if tag == _EXTENSIBLE and len(octets) >= 26:
        tag = struct.unpack("<H", octets[24:26])[0]
    return WaveFormat(tag, n_channels, rate_hz, frame_bytes, n_bits)
