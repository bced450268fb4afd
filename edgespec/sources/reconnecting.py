"""A radio behind a connection that may break, and is then made anew."""

import contextlib
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Any

from numpy.typing import NDArray

from edgespec.errors import SourceError, UsageError
from edgespec.records import IqBlock, SourceInfo
from edgespec.sources.rate import RateWatch
from edgespec.sources.request import Request, Tuning
from edgespec.sources.uri import SourceUri

__all__ = ["PATIENCE_KEYS", "Patience", "Reconnecting", "patience_of"]

_LOG = logging.getLogger(__name__)

#: Options of an address that say how patient a source is.
PATIENCE_KEYS = ("stall_s", "timeout_s")
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
#: A loop that locks, and what a driver has in hand.
_SETTLE_S = 0.25
#: How often a waiting read looks whether it was closed.
_POLL_S = 0.2
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for a radio.

    Args:
        timeout_s: how long connecting may take.
        stall_s: how long it may be silent or slow; for half of it, it may be ahead.
        buffer_bytes: asked of the system for what arrives between two reads.
        is_awaited: a radio that is not there yet is no error: it is tried again.
    """

    timeout_s: float = 5.0
    stall_s: float = 2.0
    buffer_bytes: int = 262_144
    is_awaited: bool = False


def patience_of(uri: SourceUri, request: Request, timeout_s: float) -> Patience:
    """Return what an address says of it.

    Args:
        uri: the address.
        request: what the configuration wants.
        timeout_s: where the address does not say how long connecting may take.

    Raises:
        UsageError: a time is none.
    """
    return Patience(
        _seconds(uri, "timeout_s", timeout_s),
        _seconds(uri, "stall_s", 2.0),
        8 * request.block_samples,
        request.is_awaited,
    )


class Reconnecting:
    """A client of a radio. One that goes away or falls silent is called again, in growing pauses.

    The block after such a gap says how many samples the clock says were lost. ``n_reconnects``
    counts them. A radio that gives fewer samples than its rate promises is as good as gone: what
    is missing counts as lost, and after ``stall_s`` it is called again, too. One that gives more
    than a radio of that rate can have sampled is none: it is called again at once. From then on
    nothing is handed out until the rate is right for half of ``stall_s``.

    Heirs say how to connect, and may say how samples lie in what comes.

    Args:
        info: what it delivers.
        patience: how long is waited for it.
        clock: seconds, of a clock that never steps.

    Raises:
        SourceError: the radio is not there, and not awaited.
    """

    def __init__(
        self,
        info: SourceInfo,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.info = info
        self.n_reconnects = 0
        self._patience = patience
        self._closed = Event()
        self._lock = Lock()
        self._sample_start = 0
        self._gap_from_s: float | None = None
        self._clock = clock
        self._watch = RateWatch(info.sample_rate_hz, 0.5 * patience.stall_s)
        self._wait_s = _FIRST_WAIT_S
        self._n_lost = 0
        # Lost before what comes next: a block ends there.
        self._n_lost_ahead = 0
        self._is_off = False
        self._pending: socket.socket | None = None
        self._socket: socket.socket | None = None
        try:
            self._socket = self._connect()
        except SourceError as error:
            if not patience.is_awaited:
                raise
            _LOG.warning("%s; it is tried again until it is there", error)
        self._heard_s = clock()
        self._watch.restart(self._heard_s)

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` from the radio; see :class:`~edgespec.sources.source.Source`.

        Returns what it has when the connection is lost, and connects again with the next call.
        """
        sample_bytes = self.info.sample_format.sample_bytes
        view = out.reshape(-1).view("u1").data
        while not self._closed.is_set():
            if self._socket is None and not self._reconnect():
                return None
            n = self._receive(view) // sample_bytes
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

    @property
    def settle_s(self) -> float:
        """How long behind :meth:`tune` a sample may still be taken at the frequency before."""
        return _SETTLE_S

    def tune(self, center_freq_hz: float, gain_db: float | None = None) -> None:
        """Tune it; one that does not take the command is as good as gone, and is called again."""
        self.info = replace(self.info, center_freq_hz=center_freq_hz)
        with self._lock:
            try:
                self._retune(self._socket, Tuning(center_freq_hz, gain_db))
            except OSError:
                self._hang_up()
                self._gap_from_s = self._heard_s if self._gap_from_s is None else self._gap_from_s

    def close(self) -> None:
        """Hang up; a read in another thread returns."""
        self._closed.set()
        for connection in (self._pending, self._socket):
            _wake(connection)
        # The lock waits for a read in another thread: its socket must not be closed under it.
        with self._lock:
            self._hang_up()

    def _connect(self) -> socket.socket:
        """Return a connection on which samples come, and reads give up after :meth:`_poll_s`.

        While it waits, ``_pending`` is what it waits for.

        Raises:
            SourceError: there is none.
        """
        raise NotImplementedError

    def _retune(self, connection: socket.socket | None, tuning: Tuning) -> None:
        """Say what to tune to on a connection, if there is one, and on those that follow.

        Raises:
            SourceError: it cannot be tuned there.
            OSError: the connection is broken.
        """
        raise NotImplementedError

    def _take(self, connection: socket.socket, view: memoryview) -> int | None:
        """Put what came into ``view`` and return its bytes: 0 at the end, None if nothing yet.

        Where samples were lost before what comes next, ``_n_lost_ahead`` says how many.

        Raises:
            TimeoutError: nothing came in time.
            OSError: the connection is broken.
        """
        return connection.recv_into(view)

    @property
    def _poll_s(self) -> float:
        return min(_POLL_S, self._patience.stall_s)

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
                if self._n_lost_ahead:
                    if n_bytes:
                        break
                    self._n_lost, self._n_lost_ahead = self._n_lost + self._n_lost_ahead, 0
                n_new: int | None
                try:
                    n_new = self._take(self._socket, view[n_bytes:])
                except TimeoutError:
                    silent_s = self._clock() - waiting_since_s
                    if silent_s < self._patience.stall_s and not self._closed.is_set():
                        continue
                    n_new = 0
                except OSError:
                    # A reset ends the connection just as an orderly end does.
                    n_new = 0
                if n_new is None:
                    continue
                if not n_new:
                    self._hang_up()
                    break
                n_bytes += n_new
                waiting_since_s = self._heard_s = self._clock()
                self._judge_rate(n_new)
        return n_bytes

    def _judge_rate(self, n_bytes: int) -> None:
        """Count what a slow radio did not send; hang up where that goes on, or where it floods."""
        watch = self._watch
        n_lost = watch.heard(n_bytes / self.info.sample_format.sample_bytes, self._heard_s)
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


def _seconds(uri: SourceUri, key: str, default: float) -> float:
    given = uri.number(key)
    value = default if given is None else given
    if not 0.0 < value <= 1e6:
        raise UsageError(f"{key} in {uri.text!r} is {value}; it must be above 0 s, at most 1e6 s")
    return value
