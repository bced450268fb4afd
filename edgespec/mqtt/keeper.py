"""Keeps a link through any outage, in the thread of whoever steps it."""

import logging
import select
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from edgespec.errors import BrokerError
from edgespec.mqtt.attempt import Attempt, Kept
from edgespec.mqtt.backoff import Backoff, QuietLog
from edgespec.mqtt.link import OWN_ID, BrokerRefusedError, Link
from edgespec.mqtt.session import Session
from edgespec.mqtt.waker import Waker

__all__ = ["Keeper", "Kept", "LinkKeeper"]

S = TypeVar("S", bound=Kept)

_LOG = logging.getLogger(__name__)
_FIRST_RETRY_S = 0.5
_STABLE_S = 5.0
_GOODBYE_S = 1.0
#: So many sessions in a row that broke within moments: MQTT 3.1.1 does not say why, but a clash
#: of client ids looks like this, and a broker that is down does not.
_CLASHES = 3


class Keeper(Generic[S]):
    """Connects, polls, and connects again with growing pauses.

    One thread steps it, works with the session and closes it. Any other may read ``session`` and
    ``failure``, why there is none, and call :meth:`hurry`.

    Args:
        make: makes a session that is still to be connected.
        url: where to, without a password.
        reconnect_max_s: longest pause between two attempts.
        on_open: called with every new session, before ``session`` has it; may raise BrokerError.
        on_failure: called when a session is lost or none could be had; what it returns is said in
            the log besides.
        waker: rung by whoever has work for the thread; closed with the keeper.
        clash: what may be wrong where one session after the other breaks within moments.
    """

    def __init__(
        self,
        make: Callable[[], S],
        url: str,
        reconnect_max_s: float,
        on_open: Callable[[S], None],
        on_failure: Callable[[], str],
        waker: Waker | None = None,
        clash: str = "",
    ) -> None:
        self.session: S | None = None
        self.failure: BrokerError | None = None
        self.waker = waker or Waker()
        #: Where to, without a password.
        self.url = url
        self._make = make
        self._clash = clash
        self._on_open = on_open
        self._on_failure = on_failure
        self._attempt: Attempt[S] | None = None
        self._backoff = Backoff(_FIRST_RETRY_S, reconnect_max_s)
        self._say = QuietLog(_LOG)
        self._retry_at_s = 0.0
        self._since_s = 0.0
        self._n_short = 0

    @property
    def is_refused(self) -> bool:
        """Whether the broker is there and says no."""
        return isinstance(self.failure, BrokerRefusedError)

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

    def work(self, task: Callable[[S], None]) -> None:
        """Let a task have the session, if there is one; where it fails, the session is lost."""
        if self.session is None:
            return
        try:
            task(self.session)
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
            if self.is_refused or left_s <= 0:
                raise self.no_session(timeout_s)
            self.step(min(left_s, 0.2))

    def no_session(self, timeout_s: float) -> BrokerError:
        """Return why there is no session after a wait of ``timeout_s``."""
        return self.failure or BrokerError(
            f"the broker {self.url} did not answer within {timeout_s:g} s"
        )

    def lose(self, error: BrokerError) -> None:
        """Give the session up, if there is one; another is sought after a pause."""
        session, self.session = self.session, None
        if session is not None:
            was_short = time.monotonic() - self._since_s <= _STABLE_S
            self._n_short = self._n_short + 1 if was_short else 0
            if not was_short:
                self._backoff.reset()
            session.close()
            if self._n_short >= _CLASHES and type(error) is BrokerError:
                error = BrokerError(
                    f"{error}, for the {self._n_short}. time in a row within seconds{self._clash}"
                )
        self.failure = error
        self._retry_at_s = time.monotonic() + self._backoff.next_s()
        more = self._on_failure()
        self._say(logging.WARNING, f"{error}; {more}connecting again in the background")

    def hurry(self) -> None:
        """Let the next attempt begin at once."""
        self._retry_at_s = 0.0
        self.waker.wake()

    def close(self, farewell: Callable[[S], None]) -> None:
        """Let ``farewell`` have the session, wait a moment for what is not confirmed, hang up."""
        if self._attempt is not None:
            self._attempt.abandon()
        session, self.session = self.session, None
        if session is not None:
            try:
                farewell(session)
                until_s = time.monotonic() + _GOODBYE_S
                while session.unacked and time.monotonic() < until_s:
                    session.poll(None, 0.05)
            except BrokerError as error:
                _LOG.warning("%s while saying good-bye; the broker sends the last will", error)
            session.close()
        self.waker.close()

    def _seek(self, timeout_s: float) -> None:
        now_s = time.monotonic()
        if self._attempt is None and now_s >= self._retry_at_s:
            self._attempt = Attempt(self._make, self.waker)
        if self._attempt is not None and self._attempt.is_done:
            attempt, self._attempt = self._attempt, None
            self._begin(attempt.result())
            return
        poller = select.poll()
        poller.register(self.waker.fileno(), select.POLLIN)
        wait_s = timeout_s if self._attempt else min(timeout_s, self._retry_at_s - now_s)
        poller.poll(1e3 * max(wait_s, 0.0))
        self.waker.clear()

    def _begin(self, session: S) -> None:
        self._say(logging.INFO, f"connected to the broker {self.url}")
        self._since_s = time.monotonic()
        try:
            self._on_open(session)
        except Exception:
            session.close()
            raise
        self.session, self.failure = session, None


class LinkKeeper(Keeper[Session]):
    """Keeps a session with an MQTT broker: the ``link``."""

    def __init__(
        self,
        link: Link,
        reconnect_max_s: float,
        on_open: Callable[[Session], None],
        on_failure: Callable[[], str],
        waker: Waker | None = None,
    ) -> None:
        clash = f": has another connection the client id {link.client_id!r}? Then {OWN_ID}"
        url = str(link.url)
        super().__init__(
            lambda: Session(link), url, reconnect_max_s, on_open, on_failure, waker, clash
        )
