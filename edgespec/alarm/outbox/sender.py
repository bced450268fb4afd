"""Between spool and broker, in a thread of its own."""

import logging
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from edgespec.alarm.outbox.delivered import Delivered
from edgespec.alarm.outbox.mailbox import Mailbox, Retained
from edgespec.alarm.outbox.requests import Requests
from edgespec.alarm.outbox.spool import Spool
from edgespec.errors import BrokerError
from edgespec.mqtt.keeper import LinkKeeper
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.records import Event, EventType
from edgespec.wire.event import EventMessage, event_payload, mark_replayed
from edgespec.wire.text import PayloadError, encode
from edgespec.wire.topics import Topics

__all__ = ["Sender"]

_log = logging.getLogger(__name__)

_ACK_S = 10.0
_SYNC_AFTER_S = 0.2
_CLOSE_S = 3.0
_GOODBYE_S = 2.0


class _InFlight(NamedTuple):
    sequence: int
    payload: bytes
    mid: int
    sent_s: float


class Sender:
    """Takes from a mailbox, keeps in a spool, publishes, until it is closed.

    An event gets a sequence number, is appended to the spool, published when it is the oldest
    there, and taken out when the broker has confirmed it; only then comes the next one.

    Args:
        link: the broker.
        topics: where to publish.
        mailbox: what to publish.
        spool: keeps what waits; closed at the end.
        reconnect_max_s: longest pause between two attempts.
        replay_s: confirmed messages of so many seconds before a broken link are repeated; updates
            are not, which the spool may drop, too.
        requests: what is asked of the observer; None: nothing may be.
    """

    def __init__(
        self,
        link: Link,
        topics: Topics,
        mailbox: Mailbox,
        spool: Spool,
        *,
        reconnect_max_s: float,
        replay_s: float = 0.0,
        requests: Requests | None = None,
    ) -> None:
        self._ack_s = min(_ACK_S, link.keepalive_s)
        self._topics = topics
        self._mailbox = mailbox
        self._spool = spool
        self._delivered = Delivered(replay_s)
        self._requests = requests
        self._open_ids: dict[str, set[str]] = {}
        self._in_flight: _InFlight | None = None
        self._replay_to = spool.last_sequence
        self._appended_s = 0.0
        self._close_at_s = float("inf")
        self._gave_up = False
        self._keeper = LinkKeeper(
            link, reconnect_max_s, self._opened, self._failed, waker=mailbox.waker
        )
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether there is a session now."""
        return self._keeper.session is not None

    @property
    def failure(self) -> BrokerError | None:
        """Why there is none, as far as it is known."""
        return self._keeper.failure

    @property
    def is_closing(self) -> bool:
        """Whether ``close`` was called."""
        return self._close_at_s != float("inf")

    def wait_connected(self, timeout_s: float) -> bool:
        """Return True once connected, False if it is closed meanwhile.

        Raises:
            BrokerError: the broker refuses, or could not be reached in time.
        """
        with self._changed:
            self._changed.wait_for(self._is_settled, timeout_s)
        if self.connected or self.is_closing:
            return self.connected
        raise self._keeper.no_session(timeout_s)

    def close(self) -> None:
        """Deliver for a few seconds, say ``offline``, disconnect; the rest stays in the spool."""
        with self._changed:
            if not self.is_closing:
                self._close_at_s = time.monotonic() + _CLOSE_S
                self._keeper.hurry()
            self._changed.notify_all()
        self._mailbox.close()
        self._thread.join(_CLOSE_S + _GOODBYE_S)

    def _is_settled(self) -> bool:
        return self.connected or self.is_closing or self._keeper.is_refused

    def _run(self) -> None:
        while not self._is_done():
            try:
                self._take_events()
                self._keeper.work(self._serve)
                self._keeper.step(self._pause_s())
                if time.monotonic() - self._appended_s > _SYNC_AFTER_S:
                    self._spool.sync()
            except Exception as error:
                # Whatever it is, the thread must outlive it: nothing else delivers alarms.
                _log.exception("the MQTT sender failed and starts again")
                self._keeper.lose(BrokerError(f"the MQTT sender failed: {error!r:.200}"))
            with self._changed:
                self._changed.notify_all()
        session = self._keeper.session
        self._keeper.close(self._say_offline)
        if session is not None:
            self._confirm(session)
        self._spool.close()

    def _is_done(self) -> bool:
        if not self.is_closing:
            return False
        if time.monotonic() > self._close_at_s:
            return True
        n_later = 0 if self._requests is None else self._requests.n_later
        n_waiting = self._mailbox.n_events + len(self._spool) + len(self._delivered) + n_later
        return not n_waiting or (not self.connected and self._gave_up)

    def _take_events(self) -> None:
        while (event := self._mailbox.take_event()) is not None:
            try:
                self._append(event)
            finally:
                self._mailbox.kept()
            self._follow_alarm(event)

    def _append(self, event: Event) -> None:
        sequence = self._spool.last_sequence + 1
        message = EventMessage(event, self._topics.node, sequence)
        is_update = event.event_type is EventType.UPDATE
        self._spool.append(sequence, encode(event_payload(message)), droppable=is_update)
        self._appended_s = time.monotonic()

    def _follow_alarm(self, event: Event) -> None:
        open_ids = self._open_ids.setdefault(event.band, set())
        was_open = bool(open_ids)
        if event.event_type is EventType.END or not event.alert.is_on:
            open_ids.discard(event.event_id)
        else:
            open_ids.add(event.event_id)
        if bool(open_ids) == was_open:
            return
        alarm = Retained(b"OFF" if was_open else b"ON")
        self._mailbox.put_retained(self._topics.alarm(event.band), alarm)
        # At once: an alarm that ends before the next round must still be seen as ON.
        self._keeper.work(self._publish_retained)

    def _opened(self, session: Session) -> None:
        self._replay_to = self._spool.last_sequence
        self._mailbox.take_passing()
        self._mailbox.renew_retained()
        if self._requests is not None:
            self._requests.opened(session)

    def _failed(self) -> str:
        self._in_flight = None
        self._delivered.lost_link()
        self._gave_up = self.is_closing
        return f"{len(self._spool)} events wait, "

    def _serve(self, session: Session) -> None:
        self._publish_retained(session)
        self._confirm(session)
        if self._in_flight and time.monotonic() - self._in_flight.sent_s > self._ack_s:
            raise BrokerError(f"the broker {self._keeper.url} does not confirm messages")
        self._publish_oldest(session)
        for topic, payload in self._mailbox.take_passing():
            session.publish(topic, payload, qos=0)
        if self._requests is not None:
            self._requests.serve(session)

    def _publish_retained(self, session: Session) -> None:
        for topic, (payload, qos) in self._mailbox.take_retained():
            session.publish(topic, payload, qos, retain=True)

    def _confirm(self, session: Session) -> None:
        if self._in_flight is not None and self._in_flight.mid not in session.unacked:
            sequence, payload, _, _ = self._in_flight
            if not self._spool.is_droppable(sequence):
                self._delivered.confirmed(sequence, payload)
            self._spool.ack(sequence)
            self._in_flight = None

    def _publish_oldest(self, session: Session) -> None:
        again = self._delivered.oldest()
        oldest = again or self._spool.oldest()
        if oldest is None or self._in_flight is not None:
            return
        sequence, payload = oldest
        if again or sequence <= self._replay_to:
            # Better delivered as it is than not at all, with all that waits behind it.
            with suppress(PayloadError):
                payload = mark_replayed(payload)
        mid = session.publish(self._topics.events, payload, qos=1)
        self._in_flight = _InFlight(sequence, payload, mid, time.monotonic())

    def _pause_s(self) -> float:
        """Return how long to wait at most, so that what is due by the clock is not late."""
        if self.is_closing:
            return 0.05
        return _SYNC_AFTER_S if len(self._spool) + len(self._delivered) else 1.0

    def _say_offline(self, session: Session) -> None:
        self._mailbox.put_retained(self._topics.availability, Retained(b"offline"))
        for radio in self._topics.radios:
            topic = self._topics.radio_availability(radio)
            self._mailbox.put_retained(topic, Retained(b"offline"))
        self._publish_retained(session)
