"""Wav files as programs for radios write them."""

import struct
from collections.abc import Sequence


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def fmt(rate_hz: int, n_bits: int, n_channels: int = 2, tag: int = 1) -> bytes:
    frame = n_channels * n_bits // 8
    return chunk(
        b"fmt ", struct.pack("<HHIIHH", tag, n_channels, rate_hz, rate_hz * frame, frame, n_bits)
    )


def auxi(center_hz: int, start: Sequence[int] = (2026, 9, 3, 30, 12, 52, 2, 570)) -> bytes:
    """The chunk of HDSDR and SDRuno: two times of Windows, the centre, 128 more bytes."""
    times = struct.pack("<8H", *start) * 2
    return chunk(b"auxi", times + struct.pack("<I", center_hz) + bytes(128))


def console_auxi(center_hz: int, utc_s: int) -> bytes:
    """The chunk of SDR Console: XML in UTF-16."""
    xml = (
        '<?xml version="1.0"?><SDR-XML-Root Description="Saved recording data"><Definition '
        f'RadioCenterFreq="{center_hz}" SampleRate="768000" UTCSeconds="{utc_s}"/></SDR-XML-Root>'
    )
    return chunk(b"auxi", xml.encode("utf-16-le") + b"\0\0")


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def rf64(n_data: int, *chunks: bytes, name: bytes = b"RF64") -> bytes:
    """A file whose ``data`` chunk, the last one, says its length in ``ds64``."""
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, n_data, 0, 0))
    body = b"WAVE" + ds64 + b"".join(chunks)
    at = body.index(b"data") + 4
    body = body[:at] + b"\xff\xff\xff\xff" + body[at + 4 :]
    return name + b"\xff\xff\xff\xff" + body


def w64(*chunks: tuple[bytes, bytes]) -> bytes:
    """Sony's Wave64: names of 16 bytes, lengths of 8 that count the head."""
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    body = b"wave" + tail
    for name, content in chunks:
        body += name + tail + struct.pack("<Q", len(content) + 24) + content
        body += bytes(-len(content) % 8)
    head = bytes.fromhex("726966662e91cf11a5d628db04c10000")
    return head + struct.pack("<Q", len(body) + 24) + body
