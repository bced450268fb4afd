"""``rtl_tcp:HOST:PORT``: a dongle that Osmocom's rtl_tcp serves over the network.

The server greets with ``RTL0`` and two numbers, then sends offset-binary I and Q for ever; a
command is one byte and a 32-bit number, big-endian.
"""

import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

from numpy.typing import NDArray

from edgespec.errors import SourceError, UsageError
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources.uri import SourceUri

__all__ = ["RtlTcp", "TunerSettings", "open_rtl_tcp"]

_MAGIC = b"RTL0"
_HEADER_BYTES = 12
_FREQUENCY, _RATE, _GAIN_MODE, _GAIN, _PPM, _AGC = 1, 2, 3, 4, 5, 8
#: What the RTL2832U can be set to, in Hz.
_RATES_HZ = ((225_001, 300_000), (900_001, 3_200_000))
_DEFAULT_PORT = 1234
_DEFAULT_GAIN_DB = 29.7
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
#: How often a waiting read looks whether it was closed.
_POLL_S = 0.2
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TunerSettings:
    """What the server is told. The gain is fixed: automatic gain looks like an anomaly."""

    center_freq_hz: float
    sample_rate_hz: float
    gain_db: float = _DEFAULT_GAIN_DB
    ppm: int = 0
    agc: bool = False

    def __post_init__(self) -> None:
        rate = self.sample_rate_hz
        if not any(low <= rate <= high for low, high in _RATES_HZ):
            raise SourceError(
                f"an RTL-SDR cannot sample at {rate:g} Hz; it takes 225001 to 300000 and 900001 "
                "to 3200000, for example 1.92e6 or 2.4e6"
            )
        if not 0 < self.center_freq_hz < 2**32:
            raise SourceError(
                f"a centre frequency of {self.center_freq_hz:g} Hz cannot be tuned; it must be "
                "between 0 and 4.29 GHz"
            )

    def commands(self) -> bytes:
        """Return the commands that bring a tuner to these settings."""
        pairs = (
            (_RATE, round(self.sample_rate_hz)),
            (_FREQUENCY, round(self.center_freq_hz)),
            (_PPM, self.ppm),
            (_AGC, int(self.agc)),
            (_GAIN_MODE, 1),
            (_GAIN, round(10 * self.gain_db)),
        )
        return b"".join(struct.pack(">BI", code, value & 0xFFFFFFFF) for code, value in pairs)


def open_rtl_tcp(
    uri: SourceUri,
    *,
    center_freq_hz: float | None = None,
    sample_rate_hz: float | None = None,
    gain_db: float | None = None,
    ppm: float | None = None,
    block_samples: int = 32_768,
) -> "RtlTcp":
    """Return the dongle behind ``rtl_tcp:HOST:PORT``, tuned and streaming.

    Options: ``center_freq sample_rate gain ppm agc``; ``timeout_s`` to connect, ``stall_s``
    without data until the connection counts as lost.

    Raises:
        UsageError: no frequency or rate is given, or the address cannot be understood.
        SourceError: the server refuses, does not answer or is no rtl_tcp.
    """
    frequency_hz = _first(uri.number("center_freq"), center_freq_hz)
    rate_hz = _first(uri.number("sample_rate"), sample_rate_hz)
    missing = [
        example
        for value, example in ((frequency_hz, "center_freq=806e6"), (rate_hz, "sample_rate=1.92e6"))
        if value is None
    ]
    if frequency_hz is None or rate_hz is None:
        raise UsageError(
            f"{uri.text!r} does not say what to tune to; add {' and '.join(missing)} to the query "
            "or set it in the configuration"
        )
    settings = TunerSettings(
        frequency_hz,
        rate_hz,
        _first(uri.number("gain"), gain_db, _DEFAULT_GAIN_DB) or 0.0,
        round(_first(uri.number("ppm"), ppm) or 0),
        uri.flag("agc"),
    )
    return RtlTcp(
        uri.text,
        _address(uri),
        settings,
        timeout_s=uri.number("timeout_s") or 5.0,
        stall_s=uri.number("stall_s") or 2.0,
        buffer_bytes=8 * block_samples,
    )


class RtlTcp:
    """The client. A server that goes away or falls silent is called again, with growing pauses.

    The block after such a gap says how many samples the clock says were lost. ``n_reconnects``
    counts them.
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
        self._pending: socket.socket | None = None
        self._socket: socket.socket | None = self._connect()
        self._heard_s = time.monotonic()

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` from the server; see :class:`~edgespec.sources.source.Source`.

        Returns what it has when the connection is lost, and connects again with the next call.
        """
        while not self._closed.is_set():
            if self._socket is None and not self._reconnect():
                return None
            n = self._receive(out.reshape(-1).data) // 2
            block = self._block(out, n) if n and not self._closed.is_set() else None
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
        n_dropped = 0
        if self._gap_from_s is not None:
            n_dropped = max(1, round((self._heard_s - self._gap_from_s) * rate_hz) - n)
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
        waiting_since_s = time.monotonic()
        with self._lock:
            while self._socket is not None and n_bytes < len(view):
                try:
                    n_new = self._socket.recv_into(view[n_bytes:])
                except TimeoutError:
                    silent_s = time.monotonic() - waiting_since_s
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
                waiting_since_s = self._heard_s = time.monotonic()
        return n_bytes

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
        wait_s = _FIRST_WAIT_S
        while not self._closed.wait(wait_s):
            try:
                connection = self._connect()
            except SourceError:
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                continue
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
    host, colon, port = uri.rest.rpartition(":")
    if not colon:
        host, port = uri.rest, str(_DEFAULT_PORT)
    host = host.strip("[]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(
            f"the address in {uri.text!r} cannot be understood; write rtl_tcp:HOST:PORT, for "
            f"example rtl_tcp:127.0.0.1:{_DEFAULT_PORT}"
        )
    return host, int(port)


def _first(*values: float | None) -> float | None:
    """Return the first value that is given."""
    return next((value for value in values if value is not None), None)
