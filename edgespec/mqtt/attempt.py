"""A connection in the making."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from edgespec.errors import BrokerError
from edgespec.mqtt.waker import Waker

__all__ = ["Attempt", "Kept"]


class Kept(Protocol):
    """A connection that can be kept: after a BrokerError it is dead."""

    #: Numbers of the messages that are not confirmed yet.
    unacked: set[int]

    def connect(self) -> None:
        """Connect, some seconds at most."""
        ...

    def poll(self, wake_fd: int | None, timeout_s: float) -> None:
        """Wait for the other side, for ``wake_fd`` or the timeout; do what is due."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


S = TypeVar("S", bound=Kept)


class Attempt(Generic[S]):
    """Connects in a thread of its own, because looking up a name, TCP and TLS all block.

    Args:
        make: makes the session.
        waker: rung when ``is_done`` becomes true.
    """

    def __init__(self, make: Callable[[], S], waker: Waker) -> None:
        self._make = make
        self._waker = waker
        self._session: S | None = None
        self._error: BrokerError | None = None
        self._thread = threading.Thread(target=self._run, name="edgespec-connect", daemon=True)
        self._is_abandoned = False
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether there is a result."""
        return self._session is not None or self._error is not None

    def result(self) -> S:
        """Return the open session.

        Raises:
            BrokerError: why there is none.
        """
        self._thread.join()
        if self._session is not None:
            return self._session
        raise self._error or BrokerError("connecting was given up")

    def abandon(self) -> None:
        """Hang up on whatever comes of it."""
        self._is_abandoned = True
        if self._session is not None:
            self._session.close()

    def _run(self) -> None:
        session = self._make()
        try:
            session.connect()
        except BrokerError as error:
            session.close()
            self._error = error
        else:
            self._session = session
            if self._is_abandoned:
                session.close()
        self._waker.wake()
