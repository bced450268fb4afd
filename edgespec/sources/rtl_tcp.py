"""``rtl_tcp:HOST:PORT``: a dongle that Osmocom's rtl_tcp serves over the network.

The server greets with ``RTL0`` and two numbers, then sends offset-binary I and Q for ever; a
command is one byte and a 32-bit number, big-endian.
"""

import logging
import re
import socket
import time
from collections.abc import Callable

from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sources.rate import BUFFER_SAMPLES
from edgespec.sources.reconnecting import Patience, Reconnecting, patience_of
from edgespec.sources.request import Request, Tuning
from edgespec.sources.tuner import TunerSettings, settings_of
from edgespec.sources.tuners import Tuner, tuner_of
from edgespec.sources.uri import SourceUri

__all__ = ["RtlTcp", "address_of", "open_rtl_tcp"]

_LOG = logging.getLogger(__name__)
#: Until the loop of a tuner that was told another frequency is locked.
_LOCK_S = 0.05
_MAGIC = b"RTL0"
_HEADER_BYTES = 12
_DEFAULT_PORT = 1234
_ADDRESS = re.compile(
    r"(//)?(\[(?P<ipv6>[\w:.%-]+)\]|(?P<host>[^\s:/@\[\]\0]+))(:(?P<port>\d{1,5}))?/?", re.ASCII
)


def open_rtl_tcp(uri: SourceUri, request: Request) -> "RtlTcp":
    """Return the dongle behind ``rtl_tcp:HOST:PORT``, tuned and streaming.

    Options: those of the tuner; ``timeout_s`` to connect, ``stall_s`` without data until the
    connection counts as lost.

    Raises:
        UsageError: no frequency or rate is given, or the address cannot be understood.
        SourceError: the server refuses, does not answer or is no rtl_tcp.
    """
    settings = settings_of(uri, request)
    return RtlTcp(uri.text, address_of(uri), settings, patience_of(uri, request, timeout_s=5.0))


class RtlTcp(Reconnecting):
    """The client.

    Args:
        uri: as messages name it.
        address: host and port.
        settings: what the server is told.
        patience: how long is waited for it.
        clock: seconds, of a clock that never steps.

    Raises:
        SourceError: the server is not there, and not awaited.
    """

    def __init__(
        self,
        uri: str,
        address: tuple[str, int],
        settings: TunerSettings,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._settings = settings
        self._tuner: Tuner | None = None
        self._doubted_hz: set[float] = set()
        info = SourceInfo(
            uri, settings.sample_rate_hz, settings.center_freq_hz, SampleFormat.CU8, is_live=True
        )
        super().__init__(info, patience, clock)

    @property
    def settle_s(self) -> float:
        """The server's buffer that is on its way, the one being filled, and a loop that locks."""
        return 2 * BUFFER_SAMPLES / self.info.sample_rate_hz + _LOCK_S

    def _retune(self, connection: socket.socket | None, tuning: Tuning) -> None:
        self._settings = self._settings.tuned(tuning)
        self._doubt()
        if connection is not None:
            connection.sendall(self._settings.commands_of(tuning))

    def _doubt(self) -> None:
        """Say once of a frequency that the tuner is not made for it: the server would not."""
        center_hz = self._settings.center_freq_hz
        why = self._tuner.why_not(center_hz) if self._tuner else ""
        if why and not self._settings.direct_sampling and center_hz not in self._doubted_hz:
            self._doubted_hz.add(center_hz)
            _LOG.warning("%s: %s", self.info.uri, why)

    def _connect(self) -> socket.socket:
        """Return a connection that has sent its greeting and been told the settings.

        Raises:
            SourceError: refused, silent, or not rtl_tcp.
        """
        where = f"{self._address[0]}:{self._address[1]}"
        timeout_s = self._patience.timeout_s
        try:
            connection = socket.create_connection(self._address, timeout_s)
        except OSError as error:
            raise SourceError(
                f"no rtl_tcp answers at {where} ({error.strerror or error}): start 'rtl_tcp -a "
                "0.0.0.0' where the dongle is, or correct the address"
            ) from error
        self._pending = connection
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._patience.buffer_bytes)
            greeting = _receive_exactly(connection, _HEADER_BYTES)
            if greeting[:4] != _MAGIC:
                raise SourceError(
                    f"what answers at {where} is not rtl_tcp: it sent {greeting[:4]!r} instead of "
                    "b'RTL0'; correct the port, or connect to rtl_tcp itself"
                )
            self._tuner = tuner_of(greeting)
            self._doubt()
            connection.sendall(self._settings.commands())
        except TimeoutError as error:
            connection.close()
            raise SourceError(
                f"rtl_tcp at {where} took the connection but said nothing for {timeout_s:g} "
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
        connection.settimeout(self._poll_s)
        return connection


def _receive_exactly(connection: socket.socket, n_bytes: int) -> bytes:
    data = b""
    while len(data) < n_bytes:
        piece = connection.recv(n_bytes - len(data))
        if not piece:
            raise ConnectionResetError(f"closed after {len(data)} of {n_bytes} bytes")
        data += piece
    return data


def address_of(uri: SourceUri) -> tuple[str, int]:
    """Return host and port of ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT``, with or without ``//``."""
    found = _ADDRESS.fullmatch(uri.rest)
    port = int(found["port"] or _DEFAULT_PORT) if found else 0
    if not found or not 0 < port < 65536:
        raise UsageError(
            f"the address in {uri.text!r} cannot be understood; write rtl_tcp:HOST:PORT, for "
            f"example rtl_tcp:127.0.0.1:{_DEFAULT_PORT} or rtl_tcp:[::1]:{_DEFAULT_PORT}"
        )
    return found["ipv6"] or found["host"], port
