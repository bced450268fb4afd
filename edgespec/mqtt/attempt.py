"""A connection in the making."""

import threading

from edgespec.errors import BrokerError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.mqtt.waker import Waker

__all__ = ["Attempt"]


class Attempt:
    """Connects in a thread of its own, because looking up a name, TCP and TLS all block.

    Args:
        link: where to.
        waker: rung when ``is_done`` becomes true.
    """

    def __init__(self, link: Link, waker: Waker) -> None:
        self._link = link
        self._waker = waker
        self._session: Session | None = None
        self._error: BrokerError | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt-connect", daemon=True)
        self._is_abandoned = False
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether there is a result."""
        return self._session is not None or self._error is not None

    def result(self) -> Session:
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
        session = Session(self._link)
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
