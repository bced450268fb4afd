"""The file behind the spool: records one after another, each with its length and CRC-32.

A record is ``magic, kind, sequence, length, crc`` and then the payload; the CRC covers kind,
sequence and payload. A kill in the middle of a write leaves a damaged record, which reading
steps over: whatever lies before and after it survives.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

__all__ = ["Kind", "Record", "pack", "pack_all", "unpack"]

_MAGIC = b"eJ1\n"
_HEAD = struct.Struct("<4sBQII")
_MAX_READINGS = 16
#: What is always checked: most events are shorter.
_SHORT_BYTES = 1024


class Kind(IntEnum):
    """What a record says."""

    EVENT = 1
    UPDATE = 2  # may be dropped before the others
    DONE = 3  # delivered or given up
    COUNTER = 4  # every sequence number up to this one has been used


class Record(NamedTuple):
    """One record."""

    kind: Kind
    sequence: int
    payload: bytes = b""


def pack(record: Record) -> bytes:
    """Return the bytes of one record."""
    kind, sequence, payload = record
    head = _HEAD.pack(_MAGIC, kind, sequence, len(payload), _crc(kind, sequence, payload))
    return head + payload


def pack_all(records: Iterable[Record]) -> bytes:
    """Return the bytes of several records."""
    return b"".join(map(pack, records))


def unpack(data: bytes) -> Iterator[Record | int]:
    """Yield the records in ``data``, and for each damaged stretch its number of bytes.

    Heads that promise a payload and lie cost no more than reading ``data`` some dozen times: a
    kill leaves one of them, a forger as many as fit.
    """
    at, n_checkable = 0, _MAX_READINGS * len(data)
    while at < len(data):
        record = _record_at(data, at, n_checkable)
        if record is not None:
            at += _HEAD.size + len(record.payload)
            yield record
            continue
        n_checkable -= _promised(data, at)
        next_at = data.find(_MAGIC, at + 1)
        end = next_at if next_at >= 0 else len(data)
        yield end - at
        at = end


def _promised(data: bytes, at: int) -> int:
    """Return how many bytes of payload a head at this place promises and has; 0 is no head."""
    if len(data) - at < _HEAD.size:
        return 0
    magic, _, _, length, _ = _HEAD.unpack_from(data, at)
    return length if magic == _MAGIC and at + _HEAD.size + length <= len(data) else 0


def _record_at(data: bytes, at: int, n_checkable: int) -> Record | None:
    if len(data) - at < _HEAD.size:
        return None
    magic, kind, sequence, length, crc = _HEAD.unpack_from(data, at)
    start = at + _HEAD.size
    if magic != _MAGIC or start + length > len(data) or length > max(n_checkable, _SHORT_BYTES):
        return None
    payload = data[start : start + length]
    if crc != _crc(kind, sequence, payload):
        return None
    return Record(Kind(kind), sequence, payload) if kind in set(Kind) else None


def _crc(kind: int, sequence: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<BQ", kind, sequence)))
