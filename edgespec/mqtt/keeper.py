"""Keeps a session with the broker, through any outage, in the thread of whoever steps it."""

import logging
import select
import time
from collections.abc import Callable

from edgespec.errors import BrokerError
from edgespec.mqtt.attempt import Attempt
from edgespec.mqtt.backoff import Backoff, QuietLog
from edgespec.mqtt.session import BrokerRefusedError, Link, Session
from edgespec.mqtt.waker import Waker

__all__ = ["LinkKeeper"]

_LOG = logging.getLogger(__name__)
_FIRST_RETRY_S = 0.5
_STABLE_S = 5.0
_GOODBYE_S = 1.0


class LinkKeeper:
    """Connects, polls, and connects again with growing pauses.

    Args:
        link: the broker.
        reconnect_max_s: longest pause between two attempts.
        on_open: called with every new session; may raise BrokerError.
        on_loss: called when it is lost.
    """

    def __init__(
        self,
        link: Link,
        reconnect_max_s: float,
        on_open: Callable[[Session], None],
        on_loss: Callable[[], None],
    ) -> None:
        self.session: Session | None = None
        self.failure: BrokerError | None = None
        self.waker = Waker()
        self._link = link
        self._on_open = on_open
        self._on_loss = on_loss
        self._attempt: Attempt | None = None
        self._backoff = Backoff(_FIRST_RETRY_S, reconnect_max_s)
        self._say = QuietLog(_LOG)
        self._retry_at_s = 0.0
        self._since_s = 0.0

    @property
    def url(self) -> str:
        """The broker, without a password."""
        return str(self._link.url)

    def step(self, timeout_s: float) -> None:
        """Wait for messages, the waker or the timeout; do what the link needs. Never raises."""
        try:
            if self.session is not None:
                self.session.poll(self.waker.fileno(), timeout_s)
                self.waker.clear()
            else:
                self._seek(timeout_s)
        except BrokerError as error:
            self.lose(error)

    def wait_connected(self, timeout_s: float) -> None:
        """Step until there is a session.

        Raises:
            BrokerError: the broker refuses, or does not answer in time.
        """
        until_s = time.monotonic() + timeout_s
        while self.session is None:
            left_s = until_s - time.monotonic()
            if isinstance(self.failure, BrokerRefusedError) or left_s <= 0:
                raise self.failure or BrokerError(
                    f"the broker {self.url} did not answer within {timeout_s:g} s"
                )
            self.step(min(left_s, 0.2))

    def lose(self, error: BrokerError) -> None:
        """Give the session up; another is sought after a pause."""
        self._say(logging.WARNING, f"{error}; connecting again in the background")
        session, self.session = self.session, None
        self.failure = error
        if session is not None:
            if time.monotonic() - self._since_s > _STABLE_S:
                self._backoff.reset()
            session.close()
            self._on_loss()
        self._retry_at_s = time.monotonic() + self._backoff.next_s()

    def close(self) -> None:
        """Wait a moment for what is not confirmed, and hang up."""
        if self._attempt is not None:
            self._attempt.abandon()
        session, self.session = self.session, None
        if session is not None:
            until_s = time.monotonic() + _GOODBYE_S
            try:
                while session.unacked and time.monotonic() < until_s:
                    session.poll(None, 0.05)
            except BrokerError as error:
                _LOG.warning("%s while saying good-bye", error)
            session.close()
        self.waker.close()

    def _seek(self, timeout_s: float) -> None:
        now_s = time.monotonic()
        if self._attempt is None and now_s >= self._retry_at_s:
            self._attempt = Attempt(self._link, self.waker)
        if self._attempt is not None and self._attempt.is_done:
            attempt, self._attempt = self._attempt, None
            session = attempt.result()
            self._since_s = now_s
            self.session, self.failure = session, None
            self._say(logging.INFO, f"connected to the broker {self.url}")
            self._on_open(session)
            return
        poller = select.poll()
        poller.register(self.waker.fileno(), select.POLLIN)
        wait_s = timeout_s if self._attempt else min(timeout_s, self._retry_at_s - now_s)
        poller.poll(1e3 * max(wait_s, 0.0))
        self.waker.clear()
