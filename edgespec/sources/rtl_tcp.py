"""``rtl_tcp:HOST:PORT``: a dongle that Osmocom's rtl_tcp serves over the network.

The server greets with ``RTL0`` and two numbers, then sends offset-binary I and Q for ever; a
command is one byte and a 32-bit number, big-endian.
"""

import contextlib
import logging
import re
import socket
import time
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

from numpy.typing import NDArray

from edgespec.errors import SourceError, UsageError
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources.rate import RateWatch
from edgespec.sources.request import Request
from edgespec.sources.tuner import TunerSettings, first_of, settings_of
from edgespec.sources.uri import SourceUri

__all__ = ["RtlTcp", "open_rtl_tcp", "seconds_of"]

_LOG = logging.getLogger(__name__)

_MAGIC = b"RTL0"
_HEADER_BYTES = 12
_DEFAULT_PORT = 1234
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
_ADDRESS = re.compile(
    r"(//)?(\[(?P<ipv6>[\w:.%-]+)\]|(?P<host>[^\s:/@\[\]\0]+))(:(?P<port>\d{1,5}))?/?", re.ASCII
)
#: How often a waiting read looks whether it was closed.
_POLL_S = 0.2
_NS = 1_000_000_000


def open_rtl_tcp(uri: SourceUri, request: Request) -> "RtlTcp":
    """Return the dongle behind ``rtl_tcp:HOST:PORT``, tuned and streaming.

    Options: those of the tuner; ``timeout_s`` to connect, ``stall_s`` without data until the
    connection counts as lost.

    Raises:
        UsageError: no frequency or rate is given, or the address cannot be understood.
        SourceError: the server refuses, does not answer or is no rtl_tcp.
    """
    settings = settings_of(uri, request)
    return RtlTcp(
        uri.text,
        _address(uri),
        settings,
        timeout_s=seconds_of(uri, "timeout_s", 5.0),
        stall_s=seconds_of(uri, "stall_s", 2.0),
        buffer_bytes=8 * request.block_samples,
        is_awaited=request.is_awaited,
    )


class RtlTcp:
    """The client. A server that goes away or falls silent is called again, with growing pauses.

    The block after such a gap says how many samples the clock says were lost. ``n_reconnects``
    counts them. A server that sends fewer samples than its rate promises is as good as gone: what
    is missing counts as lost, and after ``stall_s`` it is called again, too. One that sends more
    than a radio of that rate can have sampled is none: it is called again at once. From then on
    nothing is handed out until the rate is right for half of ``stall_s``.

    Args:
        uri: as messages name it.
        address: host and port.
        settings: what the server is told.
        timeout_s: how long connecting may take.
        stall_s: how long the server may be silent or slow; for half of it, it may be ahead.
        buffer_bytes: asked of the system for what arrives between two reads.
        is_awaited: a server that is not there yet is no error: it is tried again.
        clock: seconds, of a clock that never steps.

    Raises:
        SourceError: the server is not there, and not awaited.
    """

    def __init__(
        self,
        uri: str,
        address: tuple[str, int],
        settings: TunerSettings,
        *,
        timeout_s: float = 5.0,
        stall_s: float = 2.0,
        buffer_bytes: int = 262_144,
        is_awaited: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.info = SourceInfo(
            uri, settings.sample_rate_hz, settings.center_freq_hz, SampleFormat.CU8, is_live=True
        )
        self.n_reconnects = 0
        self._address = address
        self._settings = settings
        self._timeout_s = timeout_s
        self._stall_s = stall_s
        self._buffer_bytes = buffer_bytes
        self._closed = Event()
        self._lock = Lock()
        self._sample_start = 0
        self._gap_from_s: float | None = None
        self._clock = clock
        self._watch = RateWatch(settings.sample_rate_hz, 0.5 * stall_s)
        self._wait_s = _FIRST_WAIT_S
        self._n_lost = 0
        self._is_off = False
        self._pending: socket.socket | None = None
        self._socket: socket.socket | None = None
        try:
            self._socket = self._connect()
        except SourceError as error:
            if not is_awaited:
                raise
            _LOG.warning("%s; it is tried again until it is there", error)
        self._heard_s = clock()
        self._watch.restart(self._heard_s)

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` from the server; see :class:`~edgespec.sources.source.Source`.

        Returns what it has when the connection is lost, and connects again with the next call.
        """
        while not self._closed.is_set():
            if self._socket is None and not self._reconnect():
                return None
            n = self._receive(out.reshape(-1).data) // 2
            block = None
            if self._is_off:
                # What a slow server sent last is not worth a block of its own; what a fast one
                # sent is of no time at all.
                is_lost = self._gap_from_s is None and not self._watch.is_fast
                self._n_lost += n if is_lost else 0
            elif n and not self._closed.is_set():
                block = self._block(out, n)
            if self._socket is None and self._gap_from_s is None:
                self._gap_from_s = self._heard_s
            if block is not None:
                return block
        return None

    def close(self) -> None:
        """Hang up; a read in another thread returns."""
        self._closed.set()
        for connection in (self._pending, self._socket):
            _wake(connection)
        # The lock waits for a read in another thread: its socket must not be closed under it.
        with self._lock:
            self._hang_up()

    def _block(self, out: NDArray[Any], n: int) -> IqBlock:
        rate_hz = self.info.sample_rate_hz
        n_dropped, self._n_lost = self._n_lost, 0
        if self._gap_from_s is not None:
            n_dropped += max(1, round((self._heard_s - self._gap_from_s) * rate_hz) - n)
            self._gap_from_s = None
        start = self._sample_start + n_dropped
        self._sample_start = start + n
        return IqBlock(
            samples=out[:n],
            sample_rate_hz=rate_hz,
            center_freq_hz=self.info.center_freq_hz,
            sample_start=start,
            utc_ns=time.time_ns() - round(n / rate_hz * _NS),
            n_dropped=n_dropped,
            received_ns=time.monotonic_ns(),
        )

    def _receive(self, view: memoryview) -> int:
        """Fill ``view`` and return the bytes that came; hang up where they stop."""
        n_bytes = 0
        waiting_since_s = self._clock()
        with self._lock:
            while self._socket is not None and n_bytes < len(view):
                try:
                    n_new = self._socket.recv_into(view[n_bytes:])
                except TimeoutError:
                    silent_s = self._clock() - waiting_since_s
                    if silent_s < self._stall_s and not self._closed.is_set():
                        continue
                    n_new = 0
                except OSError:
                    # A reset ends the connection just as an orderly end does.
                    n_new = 0
                if not n_new:
                    self._hang_up()
                    break
                n_bytes += n_new
                waiting_since_s = self._heard_s = self._clock()
                self._judge_rate(n_new)
        return n_bytes

    def _judge_rate(self, n_bytes: int) -> None:
        """Count what a slow server did not send; hang up where that goes on, or where it floods."""
        watch = self._watch
        n_lost = watch.heard(n_bytes / 2, self._heard_s)
        if self._gap_from_s is None:
            # In a gap the clock counts.
            self._n_lost += n_lost
        if watch.is_fast or watch.n_slow >= (1 if self._is_off else 2):
            if not self._is_off:
                _LOG.warning(
                    "%s sends %s samples than the %g a second it was set to: %s, and it is called "
                    "again until its rate is right",
                    self.info.uri,
                    "more" if watch.is_fast else "fewer",
                    self.info.sample_rate_hz,
                    "they are not believed" if watch.is_fast else "they count as dropped",
                )
            self._is_off = True
            self._hang_up()
        elif watch.n_good:
            self._wait_s = _FIRST_WAIT_S
            if self._is_off:
                self._is_off = False
                _LOG.info("%s sends all its samples again, and no more", self.info.uri)

    def _connect(self) -> socket.socket:
        """Return a connection that has sent its greeting and been told the settings.

        Raises:
            SourceError: refused, silent, or not rtl_tcp.
        """
        where = f"{self._address[0]}:{self._address[1]}"
        try:
            connection = socket.create_connection(self._address, self._timeout_s)
        except OSError as error:
            raise SourceError(
                f"no rtl_tcp answers at {where} ({error.strerror or error}): start 'rtl_tcp -a "
                "0.0.0.0' where the dongle is, or correct the address"
            ) from error
        self._pending = connection
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer_bytes)
            greeting = _receive_exactly(connection, _HEADER_BYTES)
            if greeting[:4] != _MAGIC:
                raise SourceError(
                    f"what answers at {where} is not rtl_tcp: it sent {greeting[:4]!r} instead of "
                    "b'RTL0'; correct the port, or connect to rtl_tcp itself"
                )
            connection.sendall(self._settings.commands())
        except TimeoutError as error:
            connection.close()
            raise SourceError(
                f"rtl_tcp at {where} took the connection but said nothing for {self._timeout_s:g} "
                "s: it serves one client at a time; stop the other one, or check the dongle"
            ) from error
        except (OSError, SourceError) as error:
            connection.close()
            if isinstance(error, SourceError):
                raise
            raise SourceError(
                f"rtl_tcp at {where} hung up during the greeting ({error}): check the dongle there"
            ) from error
        finally:
            self._pending = None
        connection.settimeout(min(_POLL_S, self._stall_s))
        return connection

    def _reconnect(self) -> bool:
        """Connect again, however long it takes; False if closed meanwhile."""
        while not self._closed.wait(self._wait_s):
            # A connection that proves good brings it back to the shortest.
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
            try:
                connection = self._connect()
            except SourceError:
                continue
            self._watch.restart(self._clock())
            with self._lock:
                self._socket = connection
                if self._closed.is_set():
                    self._hang_up()
                    return False
            self.n_reconnects += 1
            return True
        return False

    def _hang_up(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()


def _wake(connection: socket.socket | None) -> None:
    """Make a thread that waits for this connection return."""
    if connection is not None:
        # It may be closed already, which is what is wanted.
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _receive_exactly(connection: socket.socket, n_bytes: int) -> bytes:
    data = b""
    while len(data) < n_bytes:
        piece = connection.recv(n_bytes - len(data))
        if not piece:
            raise ConnectionResetError(f"closed after {len(data)} of {n_bytes} bytes")
        data += piece
    return data


def _address(uri: SourceUri) -> tuple[str, int]:
    """Return host and port of ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT``, with or without ``//``."""
    found = _ADDRESS.fullmatch(uri.rest)
    port = int(found["port"] or _DEFAULT_PORT) if found else 0
    if not found or not 0 < port < 65536:
        raise UsageError(
            f"the address in {uri.text!r} cannot be understood; write rtl_tcp:HOST:PORT, for "
            f"example rtl_tcp:127.0.0.1:{_DEFAULT_PORT} or rtl_tcp:[::1]:{_DEFAULT_PORT}"
        )
    return found["ipv6"] or found["host"], port


def seconds_of(uri: SourceUri, key: str, default: float) -> float:
    """Return an option that is a time.

    Raises:
        UsageError: it is none.
    """
    value = first_of(uri.number(key), default)
    if value is None or not 0.0 < value <= 1e6:
        raise UsageError(f"{key} in {uri.text!r} is {value}; it must be above 0 s, at most 1e6 s")
    return value
