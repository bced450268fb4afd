"""``rtlsdr:SERIAL``: a dongle on this host's USB, read by a process of its own."""

import socket
import time

from edgespec.errors import SourceError, UsageError
from edgespec.sources.reconnecting import Patience, patience_of
from edgespec.sources.request import Request
from edgespec.sources.rtl_server import RtlServer
from edgespec.sources.rtl_tcp import RtlTcp
from edgespec.sources.tuner import TunerSettings, settings_of
from edgespec.sources.uri import SourceUri

__all__ = ["RtlSdr", "open_rtlsdr", "serial_of"]

_HOST = "127.0.0.1"
#: How often it is looked whether the server listens.
_POLL_S = 0.05


def open_rtlsdr(uri: SourceUri, request: Request) -> "RtlSdr":
    """Return the dongle with the serial in ``rtlsdr:SERIAL``, or the first: tuned and streaming.

    Options: those of the tuner; ``timeout_s`` until it must deliver, ``stall_s`` without data until
    it counts as lost.

    Raises:
        UsageError: no frequency is given, or a value cannot be understood.
        SourceError: the dongle is not there or cannot be opened, or rtl_tcp is not installed.
    """
    serial, settings = serial_of(uri), settings_of(uri, request)
    patience = patience_of(uri, request, timeout_s=10.0)
    return RtlSdr(uri.text, RtlServer(serial), settings, patience)


def serial_of(uri: SourceUri) -> str:
    """Return the serial of the dongle that ``uri`` names; '' for the first.

    Raises:
        UsageError: it is none.
    """
    # No serial looks like an option whose ? was left out.
    if any(not one.isprintable() or one.isspace() or one in "=&" for one in uri.rest):
        raise UsageError(
            f"{uri.text!r} has no serial of a dongle; write rtlsdr:SERIAL or rtlsdr:, and options "
            "behind a ?, as in rtlsdr:?gain=30"
        )
    return uri.rest


class RtlSdr(RtlTcp):
    """A dongle behind a server of its own: whatever breaks, the server ends and a new one is asked.

    USB calls that hang cannot be ended from within a program, but a process can be killed. What is
    watched (rate, silence), counted and tried again is what
    :class:`~edgespec.sources.reconnecting.Reconnecting` watches.

    Args:
        uri: as messages name it.
        server: the process.
        settings: what the dongle is set to.
        patience: how long is waited for it.

    Raises:
        SourceError: it is not there, and not awaited.
    """

    def __init__(
        self, uri: str, server: RtlServer, settings: TunerSettings, patience: Patience
    ) -> None:
        self._server = server
        super().__init__(uri, (_HOST, 0), settings, patience)

    def close(self) -> None:
        """Hang up and end the server; a read in another thread returns."""
        super().close()
        self._server.stop()

    def _connect(self) -> socket.socket:
        """Return a connection to a new server, which has the right dongle.

        Raises:
            SourceError: the dongle cannot be opened, or delivers nothing.
        """
        for _ in range(2):
            connection = self._connect_once()
            if not self._server.is_another():
                return connection
            connection.close()
        self._server.stop()
        raise SourceError(
            f"{self.info.uri} cannot be opened: no dongle has that serial; 'edgespec doctor' lists "
            "those there are"
        )

    def _connect_once(self) -> socket.socket:
        self._address = (_HOST, self._server.start())
        until_s = time.monotonic() + self._patience.timeout_s
        while not self._closed.is_set():
            if not self._server.is_running:
                break
            try:
                return super()._connect()
            except SourceError:
                # It opens the dongle before it listens.
                if time.monotonic() >= until_s:
                    break
            self._closed.wait(_POLL_S)
        self._server.stop()
        raise SourceError(f"{self.info.uri} cannot be opened: {self._server.why_not()}")

    def _hang_up(self) -> None:
        super()._hang_up()
        self._server.stop()
