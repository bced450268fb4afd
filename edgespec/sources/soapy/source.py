"""A radio behind SoapySDR as a source: what a process of its own reads."""

import logging
import socket
import sys
import time
from dataclasses import replace

from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sources.child import Child
from edgespec.sources.reconnecting import Patience, Reconnecting, patience_of
from edgespec.sources.request import Request, Tuning
from edgespec.sources.soapy.protocol import (
    HEADER_BYTES,
    Answer,
    FrameHeader,
    Job,
    encode_tuning,
)
from edgespec.sources.soapy.settings import SoapySettings, soapy_settings
from edgespec.sources.uri import SourceUri

__all__ = ["SoapySource", "open_soapy"]

_LOG = logging.getLogger(__name__)
_SERVER = "edgespec.sources.soapy.server"
_LONGEST_ANSWER = 4096


def open_soapy(uri: SourceUri, request: Request) -> "SoapySource":
    """Return the radio that ``soapy:KEY=VALUE,...`` names to SoapySDR, or the first: streaming.

    Options: those of :class:`SoapySettings`; ``timeout_s`` until it must deliver, ``stall_s``
    without data until it counts as lost.

    Raises:
        UsageError: no frequency or no gain is given, or a value cannot be understood.
        SourceError: the radio is not there, cannot be opened or cannot be set so.
    """
    settings = soapy_settings(uri, request)
    # Some radios load their firmware first.
    return SoapySource(uri.text, settings, patience_of(uri, request, timeout_s=20.0))


class SoapySource(Reconnecting):
    """A radio behind a process of its own, which is killed where it hangs and started anew.

    Samples come in the radio's own format where its full scale is that of the format, else as
    cf32; so they do where it was not there at the start.

    Args:
        uri: as messages name it.
        settings: what it is set to.
        patience: how long is waited for it.

    Raises:
        UsageError: the radio has not what it is to be set to.
        SourceError: it is not there, and not awaited.
    """

    def __init__(self, uri: str, settings: SoapySettings, patience: Patience) -> None:
        self._settings = settings
        self._child = Child()
        self._wanted: SampleFormat | None = None
        self._header = bytearray(HEADER_BYTES)
        self._n_header = self._n_left = 0
        info = SourceInfo(
            uri, settings.sample_rate_hz, settings.center_freq_hz, SampleFormat.CF32, is_live=True
        )
        super().__init__(info, patience)
        self._wanted = self.info.sample_format

    def close(self) -> None:
        """Hang up and end the process; a read in another thread returns."""
        super().close()
        self._child.stop()

    def _retune(self, connection: socket.socket | None, tuning: Tuning) -> None:
        self._settings = self._settings.tuned(tuning)
        if connection is not None:
            connection.sendall(encode_tuning(tuning))

    def _connect(self) -> socket.socket:
        """Return a connection to a new process, which has opened the radio.

        Raises:
            UsageError: at the start: it cannot be set so.
            SourceError: it cannot be opened, or not within ``timeout_s``.
        """
        self._n_header = self._n_left = self._n_lost_ahead = 0
        connection, other = socket.socketpair()
        try:
            with other:
                job = Job(self._settings, self._wanted).encode()
                descriptor = other.fileno()
                command = [sys.executable, "-m", _SERVER, str(descriptor), job]
                self._child.start(command, [descriptor])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._patience.buffer_bytes)
            answer = self._answer(connection)
            if answer.is_for_good and self._wanted is None:
                raise UsageError(f"{self.info.uri}: {answer.error}")
            if answer.sample_format is None:
                raise SourceError(f"{self.info.uri} cannot be opened: {answer.error}")
        except BaseException:
            connection.close()
            self._child.stop()
            raise
        if self._wanted is None:
            self.info = replace(self.info, sample_format=answer.sample_format)
        connection.settimeout(self._poll_s)
        return connection

    def _answer(self, connection: socket.socket) -> Answer:
        """Return what the process says of the opening."""
        self._pending = connection
        if self._closed.is_set():
            return Answer(error="it is closed")
        until_s = time.monotonic() + self._patience.timeout_s
        line = b""
        try:
            while not line.endswith(b"\n") and len(line) < _LONGEST_ANSWER:
                connection.settimeout(max(0.01, until_s - time.monotonic()))
                piece = connection.recv(1)
                if not piece:
                    said = self._child.last_words()
                    return Answer(error=f"its process ended ({said[:300] or 'it says nothing'})")
                line += piece
        except OSError:
            said = self._child.last_words()
            return Answer(
                error=f"it says nothing for {self._patience.timeout_s:g} s: see whether another "
                f"program holds it ({said[:200] or 'its module is silent'})"
            )
        finally:
            self._pending = None
        return Answer.decode(line)

    def _take(self, connection: socket.socket, view: memoryview) -> int | None:
        if not self._n_left:
            n_new = connection.recv_into(memoryview(self._header)[self._n_header :])
            self._n_header += n_new
            if self._n_header < HEADER_BYTES:
                return None if n_new else 0
            self._n_header = 0
            header = FrameHeader.decode(self._header)
            self._n_left = header.n_samples * self.info.sample_format.sample_bytes
            self._n_lost_ahead = header.n_lost
            if not header.is_known:
                self._watch.expect_loss()
            return None
        n_new = connection.recv_into(view[: self._n_left])
        self._n_left -= n_new
        return n_new

    def _hang_up(self) -> None:
        if self._socket is not None and not self._closed.is_set():
            said = self._child.last_words()
            _LOG.info(
                "%s is opened anew%s", self.info.uri, f"; it said: {said[:300]}" if said else ""
            )
        super()._hang_up()
        self._child.stop()
