"""Between the monitor and the sender: what is to be said, put in without waiting."""

import threading
import time
from collections import deque
from typing import NamedTuple

from edgespec.mqtt.waker import Waker
from edgespec.records import Event

__all__ = ["Mailbox", "Retained"]

_MAX_EVENTS = 4096
_MAX_PASSING = 4


class Retained(NamedTuple):
    """The last word on a topic."""

    payload: bytes
    qos: int = 1


class Mailbox:
    """Events in order, and for every retained topic only the newest payload.

    What is only of use now waits in a short queue of its own, from which the oldest drops out.

    Any thread puts in and never waits for the network; one thread takes out, and is woken through
    ``waker``. Who puts an event in may wait until it is kept, :meth:`wait_kept`.
    """

    def __init__(self) -> None:
        self.waker = Waker()
        self.n_lost = 0
        self._events: deque[Event] = deque()
        self._n_put = self._n_kept = 0
        self._is_late = False
        self._passing: deque[tuple[str, bytes]] = deque(maxlen=_MAX_PASSING)
        self._retained: dict[str, Retained] = {}
        self._changed: dict[str, None] = {}
        self._is_closed = False
        self._lock = threading.Lock()
        self._was_kept = threading.Condition(self._lock)

    @property
    def n_events(self) -> int:
        """Events that were not taken out yet."""
        return len(self._events)

    def put_event(self, event: Event) -> None:
        """Add an event; a full or closed mailbox counts it as lost."""
        with self._lock:
            if self._is_closed or len(self._events) >= _MAX_EVENTS:
                self.n_lost += 1
                return
            self._events.append(event)
            self._n_put += 1
        self.waker.wake()

    def wait_kept(self, timeout_s: float) -> bool:
        """Return whether all events put in before are kept, after the timeout at the latest.

        After a wait in vain nobody waits until everything is kept again: a disk that hangs holds
        a band up once, not for each event.
        """
        until_s = time.monotonic() + timeout_s
        with self._was_kept:
            number = self._n_put
            while self._n_kept < number and not (self._is_late or self._is_closed):
                left_s = until_s - time.monotonic()
                self._is_late = left_s <= 0.0
                self._was_kept.wait(max(left_s, 0.0))
            return self._n_kept >= number

    def kept(self) -> None:
        """Say that the event that was taken out last is kept, or never will be."""
        with self._was_kept:
            self._n_kept += 1
            self._is_late = self._is_late and self._n_kept < self._n_put
            self._was_kept.notify_all()

    def put_retained(self, topic: str, retained: Retained) -> None:
        """Replace what a topic says."""
        with self._lock:
            self._retained[topic] = retained
            self._changed[topic] = None
        self.waker.wake()

    def put_passing(self, topic: str, payload: bytes) -> None:
        """Add what nobody will miss: it is neither kept for a connection nor repeated."""
        self._passing.append((topic, payload))
        self.waker.wake()

    def take_passing(self) -> list[tuple[str, bytes]]:
        """Return what was put in by :meth:`put_passing`, oldest first."""
        taken: list[tuple[str, bytes]] = []
        while self._passing:
            taken.append(self._passing.popleft())
        return taken

    def take_event(self) -> Event | None:
        """Return the oldest event, or None."""
        return self._events.popleft() if self._events else None

    def take_retained(self) -> list[tuple[str, Retained]]:
        """Return topics that changed since they were last taken."""
        with self._lock:
            taken = [(topic, self._retained[topic]) for topic in self._changed]
            self._changed.clear()
        return taken

    def renew_retained(self) -> None:
        """Let every topic count as changed: another connection has begun."""
        with self._lock:
            self._changed = dict.fromkeys(self._retained)

    def close(self) -> None:
        """Take no more events."""
        with self._was_kept:
            self._is_closed = True
            self._was_kept.notify_all()
        self.waker.wake()
