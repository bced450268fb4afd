"""The state machine between spool and broker, in a thread of its own."""

import logging
import select
import threading
import time
from typing import NamedTuple

from edgespec.alarm.mailbox import Mailbox, Retained
from edgespec.alarm.spool import Spool
from edgespec.errors import BrokerError
from edgespec.mqtt.attempt import Attempt
from edgespec.mqtt.backoff import Backoff, QuietLog
from edgespec.mqtt.session import BrokerRefusedError, Link, Session
from edgespec.records import Event, EventType
from edgespec.wire.event import EventMessage, event_payload, mark_replayed
from edgespec.wire.fields import encode
from edgespec.wire.topics import Topics

__all__ = ["Sender"]

_log = logging.getLogger(__name__)

_FIRST_RETRY_S = 0.5
_STABLE_S = 5.0
_ACK_S = 10.0
_SYNC_AFTER_S = 0.2
_CLOSE_S = 3.0
_GOODBYE_S = 1.0


class _InFlight(NamedTuple):
    sequence: int
    mid: int
    sent_s: float


class Sender:
    """Takes from a mailbox, keeps in a spool, publishes, until it is closed.

    An event gets a sequence number, is appended to the spool, published when it is the oldest
    there, and taken out when the broker has confirmed it; only then comes the next one. While
    there is no session, one is sought again and again, with growing pauses.

    Args:
        link: the broker.
        topics: where to publish.
        mailbox: what to publish.
        spool: keeps what waits; closed at the end.
        model_sha256: goes into every event.
        reconnect_max_s: longest pause between two attempts.
    """

    def __init__(
        self,
        link: Link,
        topics: Topics,
        mailbox: Mailbox,
        spool: Spool,
        *,
        model_sha256: str | None,
        reconnect_max_s: float,
    ) -> None:
        self.failure: BrokerError | None = None
        self._link = link
        self._topics = topics
        self._mailbox = mailbox
        self._spool = spool
        self._model_sha256 = model_sha256
        self._open_ids: set[str] = set()
        self._session: Session | None = None
        self._attempt: Attempt | None = None
        self._in_flight: _InFlight | None = None
        self._replay_to = spool.last_sequence
        self._appended_s = 0.0
        self._session_since_s = 0.0
        self._retry_at_s = 0.0
        self._close_at_s = float("inf")
        self._gave_up = False
        self._backoff = Backoff(_FIRST_RETRY_S, reconnect_max_s)
        self._say = QuietLog(_log)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether there is a session now."""
        return self._session is not None

    @property
    def is_closing(self) -> bool:
        """Whether ``close`` was called."""
        return self._close_at_s != float("inf")

    def wait_settled(self, timeout_s: float) -> None:
        """Return when connected, refused or closing, or after the timeout."""
        with self._changed:
            self._changed.wait_for(self._is_settled, timeout_s)

    def close(self) -> None:
        """Deliver for a few seconds, say ``offline``, disconnect; the rest stays in the spool."""
        with self._changed:
            if not self.is_closing:
                self._retry_at_s = 0.0
                self._close_at_s = time.monotonic() + _CLOSE_S
            self._changed.notify_all()
        self._mailbox.close()
        self._thread.join(_CLOSE_S + 2 * _GOODBYE_S)

    def _is_settled(self) -> bool:
        is_refused = isinstance(self.failure, BrokerRefusedError)
        return self.connected or self.is_closing or is_refused

    def _run(self) -> None:
        while not self._is_done():
            try:
                self._take_events()
                if self._session is None:
                    self._seek_session()
                else:
                    self._serve(self._session)
                if time.monotonic() - self._appended_s > _SYNC_AFTER_S:
                    self._spool.sync()
            except BrokerError as error:
                self._lose_session(error)
            except Exception as error:
                # Whatever it is, the thread must outlive it: nothing else delivers alarms.
                _log.exception("the MQTT sender failed and starts again")
                self._lose_session(BrokerError(f"the MQTT sender failed: {error!r:.200}"))
        self._say_goodbye()
        self._spool.close()
        self._mailbox.waker.close()

    def _is_done(self) -> bool:
        if not self.is_closing:
            return False
        if time.monotonic() > self._close_at_s:
            return True
        nothing_waits = self._mailbox.n_events + len(self._spool) == 0
        return nothing_waits or (self._session is None and self._gave_up)

    def _take_events(self) -> None:
        while (event := self._mailbox.take_event()) is not None:
            sequence = self._spool.last_sequence + 1
            message = EventMessage(event, self._topics.node, sequence, False, self._model_sha256)
            is_update = event.event_type is EventType.UPDATE
            self._spool.append(sequence, encode(event_payload(message)), droppable=is_update)
            self._appended_s = time.monotonic()
            self._follow_alarm(event)

    def _follow_alarm(self, event: Event) -> None:
        was_open = bool(self._open_ids)
        if event.event_type is EventType.END:
            self._open_ids.discard(event.event_id)
        else:
            self._open_ids.add(event.event_id)
        if bool(self._open_ids) == was_open:
            return
        self._mailbox.put_retained(self._topics.alarm, Retained(b"OFF" if was_open else b"ON"))
        if self._session is not None:
            # At once: an alarm that ends before the next round must still be seen as ON.
            self._publish_retained(self._session)

    def _seek_session(self) -> None:
        now_s = time.monotonic()
        if self._attempt is None and now_s >= self._retry_at_s:
            self._attempt = Attempt(self._link, self._mailbox.waker)
        if self._attempt is not None and self._attempt.is_done:
            attempt, self._attempt = self._attempt, None
            self._begin_session(attempt.result())
            return
        wait_s = 1.0 if self._attempt is not None else self._retry_at_s - now_s
        poller = select.poll()
        poller.register(self._mailbox.waker.fileno(), select.POLLIN)
        poller.poll(1e3 * min(max(wait_s, 0.0), self._pause_s()))
        self._mailbox.waker.clear()

    def _begin_session(self, session: Session) -> None:
        self._say(logging.INFO, f"connected to the broker {self._link.url}")
        self._session_since_s = time.monotonic()
        self._replay_to = self._spool.last_sequence
        self._mailbox.take_passing()
        self._mailbox.renew_retained()
        with self._changed:
            self._session = session
            self.failure = None
            self._changed.notify_all()

    def _serve(self, session: Session) -> None:
        self._publish_retained(session)
        self._confirm(session)
        self._publish_oldest(session)
        for topic, payload in self._mailbox.take_passing():
            session.publish(topic, payload, qos=0)
        session.poll(self._mailbox.waker.fileno(), self._pause_s())
        self._mailbox.waker.clear()

    def _publish_retained(self, session: Session) -> None:
        for topic, (payload, qos) in self._mailbox.take_retained():
            session.publish(topic, payload, qos, retain=True)

    def _confirm(self, session: Session) -> None:
        if self._in_flight is None:
            return
        if self._in_flight.mid not in session.unacked:
            self._spool.ack(self._in_flight.sequence)
            self._in_flight = None
        elif time.monotonic() - self._in_flight.sent_s > min(_ACK_S, self._link.keepalive_s):
            raise BrokerError(f"the broker {self._link.url} does not confirm messages")

    def _publish_oldest(self, session: Session) -> None:
        oldest = self._spool.oldest()
        if oldest is None or self._in_flight is not None:
            return
        sequence, payload = oldest
        if sequence <= self._replay_to:
            payload = mark_replayed(payload)
        mid = session.publish(self._topics.events, payload, qos=1)
        self._in_flight = _InFlight(sequence, mid, time.monotonic())

    def _pause_s(self) -> float:
        """Return how long to wait at most, so that what is due by the clock is not late."""
        if self.is_closing:
            return 0.05
        return _SYNC_AFTER_S if len(self._spool) else 1.0

    def _lose_session(self, error: BrokerError) -> None:
        self._say(
            logging.WARNING,
            f"{error}; {len(self._spool)} events wait, connecting again in the background",
        )
        session = self._session
        if session is not None and time.monotonic() - self._session_since_s > _STABLE_S:
            self._backoff.reset()
        self._in_flight = None
        self._gave_up = self.is_closing
        with self._changed:
            self._retry_at_s = time.monotonic() + self._backoff.next_s()
            self._session = None
            self.failure = error
            self._changed.notify_all()
        if session is not None:
            session.close()

    def _say_goodbye(self) -> None:
        if self._attempt is not None:
            self._attempt.abandon()
        session = self._session
        if session is None:
            return
        self._mailbox.put_retained(self._topics.availability, Retained(b"offline"))
        self._mailbox.put_retained(self._topics.radio_availability, Retained(b"offline"))
        deadline_s = time.monotonic() + _GOODBYE_S
        try:
            self._publish_retained(session)
            while session.unacked and time.monotonic() < deadline_s:
                session.poll(None, 0.05)
            self._confirm(session)
        except BrokerError as error:
            _log.warning("%s while saying good-bye; its last will says offline", error)
        self._session = None
        session.close()
