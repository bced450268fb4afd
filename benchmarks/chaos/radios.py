"""Eleven kinds of bad rtl_tcp, each between a good one and a good one."""

import contextlib
import logging
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.chaos.parties import wait_until
from benchmarks.chaos.trial import Trial
from edgespec.sources import open_source
from edgespec.sources.source import Source

__all__ = ["KINDS", "bad_radio"]

_RATE_HZ = 256_000
_GREETING = b"RTL0" + struct.pack(">II", 5, 29)
_PIECE_S = 0.02
_PIECE = 2 * round(_RATE_HZ * _PIECE_S)
_GOOD_S, _BAD_S = 0.5, 4.0
#: What only the good server sends; noise has more than one value.
_GOOD = bytes(range(100, 156)) * (_PIECE // 56 + 1)
#: Of the samples: a piece in the buffers of two kernels, and a pause of the machine.
_TOLERANCE = 0.15

#: Bytes and how long to wait behind them, piece by piece; an empty piece hangs up.
Pieces = Iterator[tuple[bytes, float]]


def _paced(content: bytes, pause_s: float) -> Callable[[], Pieces]:
    def pieces() -> Pieces:
        while True:
            yield content, pause_s

    return pieces


def _stalls() -> Pieces:
    while True:
        yield b"", _PIECE_S


def _dribble() -> Pieces:
    """As much as is due, in pieces of 1, 3, 5 ... bytes."""
    while True:
        for n in range(1, 256, 2):
            yield _GOOD[:n], n / 2 / _RATE_HZ


#: What is sent while it is bad, by kind. None: nobody is let in at all.
KINDS: dict[str, Callable[[], Pieces] | None] = {
    "refuses": None,
    "closes at once": None,
    "wrong magic": None,
    "half the rate": _paced(_GOOD[:_PIECE], 2 * _PIECE_S),
    "2 bytes a second": _paced(_GOOD[:2], 1.0),
    "dribbles": _dribble,
    "stalls": _stalls,
    "resets in the middle": None,
    "endless zeros": _paced(bytes(_PIECE), _PIECE_S),
    "a constant value": _paced(b"\x80" * _PIECE, _PIECE_S),
    "floods": _paced(_GOOD[:_PIECE], 0.0),
}


@dataclass
class _Server:
    """Serves one client at a time, well or badly."""

    kind: str
    is_bad: bool = False
    is_over: bool = False

    def __post_init__(self) -> None:
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self.is_over = True
        self._thread.join(10.0)
        self._listener.close()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        listener.settimeout(0.02)
        return listener

    def _serve(self) -> None:
        while not self.is_over:
            if self.is_bad and self.kind == "refuses":
                self._listener.close()
                wait_until(lambda: not self.is_bad or self.is_over, 60.0)
                self._listener = self._listen(self.port)
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                with client:
                    self._greet(client)

    def _greet(self, client: socket.socket) -> None:
        if self.is_bad and self.kind == "closes at once":
            return
        if self.is_bad and self.kind == "wrong magic":
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        client.sendall(_GREETING)
        client.settimeout(1.0)
        bad = KINDS[self.kind]
        while not self.is_over:
            if not self.is_bad:
                self._send(client, _paced(_GOOD[:_PIECE], _PIECE_S)(), until_bad=True)
            elif bad is not None:
                self._send(client, bad(), until_bad=False)
            else:
                if self.kind == "resets in the middle":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    time.sleep(0.3)
                return

    def _send(self, client: socket.socket, pieces: Pieces, *, until_bad: bool) -> None:
        due_s = time.monotonic()
        for content, pause_s in pieces:
            if self.is_over or self.is_bad is until_bad:
                return
            # Half a sample may be on its way: the next content is shifted by a byte then, as a
            # real server would shift it by none.
            with contextlib.suppress(TimeoutError):
                client.sendall(content)
            due_s += pause_s
            while (left_s := due_s - time.monotonic()) > 0:
                if self.is_over or self.is_bad is until_bad:
                    return
                time.sleep(min(left_s, 0.05))
            if select.select([client], [], [], 0)[0] and not client.recv(4096):
                raise ConnectionResetError


class _Reader:
    """Reads a source as an observer does, and counts."""

    def __init__(self, source: Source) -> None:
        self.n_samples = self.n_dropped = 0
        self.good_s = 0.0
        self._source = source
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the source and the thread."""
        self._source.close()
        self._thread.join(10.0)

    def _read(self) -> None:
        out = self._source.info.sample_format.empty(_RATE_HZ // 20)
        while (block := self._source.read(out)) is not None:
            self.n_samples += block.n_samples
            self.n_dropped += block.n_dropped
            if block.samples.std() > 1.0:
                self.good_s = time.monotonic()


def bad_radio(kind: str) -> Trial:
    """Return what becomes of the samples of a source whose server is bad for a while."""
    logging.disable()
    server = _Server(kind)
    uri = f"rtl_tcp:127.0.0.1:{server.port}?center_freq=8e8&sample_rate={_RATE_HZ}&timeout_s=1"
    source = open_source(f"{uri}&stall_s=1")
    begun_s = time.monotonic()
    reader = _Reader(source)
    time.sleep(_GOOD_S)
    server.is_bad = True
    time.sleep(_BAD_S)
    server.is_bad = False
    healed_s = time.monotonic()
    is_back = wait_until(lambda: reader.good_s > healed_s, 20.0)
    back_s = reader.good_s - healed_s
    time.sleep(1.0)
    n_due = round((time.monotonic() - begun_s) * _RATE_HZ)
    n_reconnects = getattr(source, "n_reconnects", 0)
    reader.close()
    server.close()
    logging.disable(logging.NOTSET)
    n_known = reader.n_samples + reader.n_dropped
    n_missing = max(0, n_due - n_known)
    failed = ""
    if not is_back:
        failed = "it does not come back"
    elif n_missing > _TOLERANCE * n_due:
        failed = f"{n_missing / n_due:.0%} of the samples are missing and not counted"
    elif n_known > (1.0 + _TOLERANCE) * n_due:
        failed = f"{n_known / n_due:.1f} times the samples of the rate are taken for real"
    note = f"{n_reconnects} reconnects, {reader.n_dropped} counted as dropped"
    if is_back:
        note += f", good again after {back_s:.1f} s"
    n_lost = n_missing if n_missing > _TOLERANCE * n_due else 0
    return Trial(f"rtl_tcp: {kind}", 1, n_due, n_lost, failed=failed, note=note)
