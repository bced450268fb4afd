"""A local rtl_tcp for tests: streams bytes, and can stall, hang up, or speak nonsense."""

import contextlib
import select
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Any, Self

from tests.made.broker import wait_for

GREETING = b"RTL0" + struct.pack(">II", 5, 29)


class RtlTcpServer:
    """Serves ``data`` in a loop to one client after the other, as ``with`` block.

    Args:
        data: bytes of offset-binary samples.
        rate_hz: samples per second; None sends as fast as the client takes them.
        greeting: what every client hears first.
        n_bytes: bytes of each connection, by its number, the last for all further ones; None is
            endless. After them the server hangs up, or with ``stall`` keeps silent.
        port: where to listen; 0 is any that is free.
        piece_bytes: how much is sent at once.
    """

    def __init__(
        self,
        data: bytes,
        *,
        rate_hz: float | None = None,
        greeting: bytes = GREETING,
        n_bytes: tuple[int | None, ...] = (None,),
        stall: bool = False,
        port: int = 0,
        piece_bytes: int = 8192,
    ) -> None:
        self._data = data
        self._rate_hz = rate_hz
        self._greeting = greeting
        self._n_bytes = n_bytes
        self._stall = stall
        self._piece_bytes = piece_bytes
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._listener.getsockname()[1]
        self.commands: list[tuple[int, int]] = []
        self.n_clients = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def wait_for_commands(self, n: int) -> dict[int, int]:
        """Return the commands once ``n`` have come."""
        wait_for(lambda: len(self.commands) >= n, f"{n} commands")
        return dict(self.commands)

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            number = min(self.n_clients, len(self._n_bytes) - 1)
            self.n_clients += 1
            client.settimeout(0.02)
            with client, contextlib.suppress(ConnectionError):
                client.sendall(self._greeting)
                self._stream(client, self._n_bytes[number])

    def _stream(self, client: socket.socket, n_bytes: int | None) -> None:
        sent, start_s = 0, time.monotonic()
        received = b""
        while not self._stop.is_set():
            received = self._take_commands(received + _waiting(client))
            if n_bytes is not None and sent >= n_bytes:
                if not self._stall:
                    return
                time.sleep(0.01)
                continue
            piece = self._piece(sent)
            if n_bytes is not None:
                piece = piece[: n_bytes - sent]
            if not piece:
                time.sleep(0.005)
                continue
            with contextlib.suppress(TimeoutError):
                sent += client.send(piece)
            if self._rate_hz is not None:
                time.sleep(max(0.0, start_s + sent / 2 / self._rate_hz - time.monotonic()))

    def _piece(self, at: int) -> bytes:
        """Return some bytes from the ``at``-th on; none while there are none."""
        place = at % len(self._data)
        return self._data[place : place + self._piece_bytes]

    def _take_commands(self, received: bytes) -> bytes:
        while len(received) >= 5:
            code, value = struct.unpack(">BI", received[:5])
            self.commands.append((code, value))
            received = received[5:]
        return received


class RtlTcpFeed(RtlTcpServer):
    """Sends what a test feeds it, when the test feeds it, and keeps silent otherwise."""

    def __init__(self) -> None:
        super().__init__(b"")

    def feed(self, data: bytes) -> None:
        self._data += data

    def _piece(self, at: int) -> bytes:
        return self._data[at : at + 8192]


def _waiting(client: socket.socket) -> bytes:
    """Return what the client has sent so far."""
    if not select.select([client], [], [], 0)[0]:
        return b""
    data = client.recv(64)
    if not data:
        raise ConnectionResetError("the client hung up")
    return data


class RtlTcpTuner(RtlTcpServer):
    """Sends what is on the air where it is tuned to, some time after it was told so.

    Args:
        air: bytes of samples by the frequency in Hz, each in a loop.
        late_bytes: of the frequency before, which still come behind a command.
    """

    def __init__(self, air: dict[int, bytes], *, late_bytes: int = 0, **options: Any) -> None:
        super().__init__(b"", **options)
        self._air = air
        self._late_bytes = late_bytes
        self._at = 0
        # From which byte of a connection on it is tuned where.
        self._tunings = [(0, next(iter(air)))]

    def _piece(self, at: int) -> bytes:
        if not at:
            self._tunings = [(0, self._tunings[-1][1])]
        self._at = at
        tuned_hz = [hz for begin, hz in self._tunings if begin <= at][-1]
        later = [one[0] for one in self._tunings if one[0] > at]
        data = self._air[tuned_hz]
        place = at % len(data)
        piece = data[place : place + self._piece_bytes]
        return piece[: min(later, default=at + len(piece)) - at]

    def _take_commands(self, received: bytes) -> bytes:
        n_before = len(self.commands)
        rest = super()._take_commands(received)
        for code, value in self.commands[n_before:]:
            if code == 1 and value != self._tunings[-1][1]:
                self._tunings.append((self._at + self._late_bytes, value))
        return rest
