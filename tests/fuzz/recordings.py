"""Recordings, sample streams, and what names them."""

import io
import json
import logging
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from edgespec.mqtt.url import BrokerUrl
from edgespec.sources import open_source
from edgespec.sources.schemes import open_source as open_by_scheme
from tests.fuzz.target import Call, Target
from tests.made import wav
from tests.made.rtl_tcp_server import GREETING

__all__ = ["TARGETS"]

_DATA = bytes(range(256)) * 4
_CAPTURES = [
    {"core:sample_start": 0, "core:frequency": 8e8, "core:datetime": "2026-01-02T03:04:05Z"},
    {"core:sample_start": 100, "core:global_index": 100, "core:header_bytes": 4},
]
_NOTES = [{"core:sample_start": 5, "core:sample_count": 9, "core:label": "x"}]


def _metadata(datatype: str, **more: object) -> bytes:
    head = {"core:datatype": datatype, "core:sample_rate": 1e6, "core:version": "1.2.5", **more}
    meta = {"global": head, "captures": _CAPTURES, "annotations": _NOTES}
    return json.dumps(meta).encode()


def _metas() -> list[bytes]:
    more = {"core:num_channels": 2, "core:offset": 7, "core:trailing_bytes": 2}
    return [_metadata("ci16_le"), _metadata("cf32_be"), _metadata("ru8", **more)]


def _archive() -> list[bytes]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in (("a.sigmf-meta", _metas()[0]), ("a.sigmf-data", _DATA)):
            member = tarfile.TarInfo(f"a/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return [out.getvalue()]


def _waves() -> list[bytes]:
    data = wav.chunk(b"data", _DATA)
    return [
        wav.riff(wav.fmt(48_000, 16), wav.auxi(6_140_000), data),
        wav.w64((b"fmt ", wav.fmt(48_000, 24)[8:]), (b"data", _DATA)),
        wav.rf64(len(_DATA), wav.fmt(48_000, 32, 2, 3), data),
        wav.riff(wav.fmt(1, 8, 4), wav.console_auxi(10, 10), data),
    ]


def _play(uri: str) -> None:
    source = open_source(uri)
    try:
        out = source.info.sample_format.empty(300)
        for _ in range(20):
            if source.read(out) is None:
                break
    finally:
        source.close()


def _quiet(call: Call) -> Call:
    """Return the call without its warnings, of which a good loader has many here."""

    def quietly(data: bytes) -> None:
        logging.disable()
        try:
            call(data)
        finally:
            logging.disable(logging.NOTSET)

    return quietly


def _file(name: str, uri: str, **beside: bytes) -> Callable[[Path], Call]:
    """Return what makes the call that plays a file of the bytes."""

    def open_in(folder: Path) -> Call:
        for other, content in beside.items():
            (folder / other.replace("__", ".sigmf-")).write_bytes(content)

        def play(data: bytes) -> None:
            (folder / name).write_bytes(data)
            _play(uri.format(folder))

        return _quiet(play)

    return open_in


def _raw(folder: Path) -> Call:
    """Of the bytes the first line is the query, the rest are samples."""

    def play(data: bytes) -> None:
        query, _, samples = data.partition(b"\n")
        (folder / "r.bin").write_bytes(samples)
        _play(f"raw:{folder / 'r.bin'}?{query.decode(errors='replace')}")

    return _quiet(play)


def _stream(folder: Path) -> Call:
    uri = "rtl_tcp:127.0.0.1:1234?center_freq=806e6&sample_rate=1e6"

    def listen(data: bytes) -> None:
        near, far = socket.socketpair()
        with near, far:
            far.setblocking(False)
            sent = far.send(data[:60_000]) if data else 0
            far.shutdown(socket.SHUT_WR)
            with mock.patch("socket.create_connection", return_value=near):
                source = open_source(uri)
                try:
                    out = source.info.sample_format.empty(1000)
                    left = (sent - len(GREETING)) // 2
                    while left > 0:
                        block = source.read(out)
                        assert block is not None
                        left -= block.n_samples
                finally:
                    source.close()

    return listen


def _uri(folder: Path) -> Call:
    """Open nothing that is there: what reads a file or calls a host has targets of its own."""

    def refused(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "refused")

    def parse(data: bytes) -> None:
        with mock.patch("socket.create_connection", refused):
            open_by_scheme(data.decode(errors="replace")).close()

    return _quiet(parse)


def _uris() -> list[bytes]:
    return [
        b"rtl_tcp:127.0.0.1:1234?center_freq=806e6&sample_rate=1.92e6&gain=20&ppm=1&agc=1",
        b"rtl_tcp:[::1]:99?timeout_s=0.1&stall_s=1",
        b"sigmf:nowhere?loop=1&realtime=1&sample_rate=1e6",
        b"raw:nowhere?datatype=cu8&sample_rate=2e6&center_freq=8e8&offset=3",
        b"wav:nowhere.wav?channel=1&loop=1",
    ]


def _broker(folder: Path) -> Call:
    return lambda data: BrokerUrl.parse(data.decode(errors="replace"))


def _brokers() -> list[bytes]:
    return [b"mqtts://user:p%23ss@host.example:8883", b"mqtt://[::1]:1883/", b"mqtt://localhost"]


TARGETS = {
    "sigmf-meta": Target(
        _metas, _file("a.sigmf-meta", "sigmf:{0}/a", **{"a__data": _DATA}), cost=20
    ),
    "sigmf-archive": Target(_archive, _file("b.sigmf", "sigmf:{0}/b.sigmf"), cost=30),
    "wav": Target(_waves, _file("c_6140kHz.wav", "wav:{0}/c_6140kHz.wav"), cost=10),
    "raw": Target(
        lambda: [
            f"datatype={kind}&sample_rate=1e6&offset=3&center_freq=8e8\n".encode() + _DATA
            for kind in ("cu8", "ci16_le", "cf64_be", "ru16_le")
        ],
        _raw,
        cost=10,
    ),
    "rtl_tcp": Target(lambda: [GREETING + _DATA, GREETING + b"\x80" * 5001], _stream, cost=10),
    "source-uri": Target(_uris, _uri, cost=4),
    "broker-url": Target(_brokers, _broker),
}
