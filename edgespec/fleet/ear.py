"""Who listens to one broker for the store."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from edgespec.config import MqttConfig
from edgespec.fleet.hearing import Hearing
from edgespec.fleet.tables import Row
from edgespec.fleet.writer import FleetWriter
from edgespec.mqtt.keeper import LinkKeeper
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session

__all__ = ["Ear"]

_LOG = logging.getLogger(__name__)
#: For so long the broker keeps what it could not deliver here, as much as it is set up for.
_KEEP_S = 86_400.0
_STEP_S = 0.5


class Ear:
    """Hands what a broker says on some topics to the writer, in a thread of its own.

    What is said for good has a connection of its own: a broker drops what a connection is too slow
    for, and thousands of states would take events with them.

    Args:
        name: that the broker was given.
        settings: the broker.
        client_id: the same at every start: it is whose messages the broker keeps.
        topics: that are listened to.
        is_lasting: whether the broker is to keep what was not confirmed.
        hearing: of the broker's messages, and who may use it now.
        writer: what keeps them.
        on_rows: told of all rows, in this ear's thread, whether they are old; must not raise.
        on_forgotten: told of an observer that is no more, in this ear's thread; must not raise.
        utc_ns: UTC.
    """

    def __init__(
        self,
        name: str,
        settings: MqttConfig,
        client_id: str,
        topics: Sequence[str],
        is_lasting: bool,
        hearing: tuple[Hearing, threading.Lock],
        writer: FleetWriter,
        on_rows: Callable[[Sequence[Row]], None],
        on_forgotten: Callable[[str, str], None],
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = name
        self._topics, self._is_lasting = topics, is_lasting
        self._hearing, self._hearing_lock = hearing
        self._writer, self._utc_ns = writer, utc_ns
        self._on_rows, self._on_forgotten = on_rows, on_forgotten
        #: Numbers of what is kept, and the session that gave them.
        self._kept: deque[tuple[Session, int]] = deque()
        self._opening: Session | None = None
        self._is_stopped = False
        link = Link.of(replace(settings, protocol="5"), client_id)
        self._keeper = LinkKeeper(
            replace(link, keep_s=_KEEP_S if is_lasting else 0.0),
            settings.reconnect_max_s,
            self._opened,
            lambda: "",
        )
        self._thread = threading.Thread(target=self._run, name=f"fleet-{name}", daemon=True)
        self.n_heard = 0

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._keeper.session is not None

    def wait_connected(self, timeout_s: float) -> None:
        """Connect before :meth:`start`.

        Raises:
            BrokerError: the broker refuses, or does not answer in time.
        """
        self._keeper.wait_connected(timeout_s)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen to nothing more; what comes stays at the broker."""
        self._is_stopped = True
        self._keeper.waker.wake()
        if self._thread.is_alive():
            self._thread.join()

    def close(self) -> None:
        """Confirm what was kept since, and hang up; the broker keeps what comes."""
        self._keeper.close(self._confirm)

    def _run(self) -> None:
        while not self._is_stopped:
            self._keeper.step(_STEP_S)
            self._keeper.work(self._confirm)

    def _opened(self, session: Session) -> None:
        self._kept.clear()
        self._opening = session
        session.receive(self._hear)
        session.ask(self._topics, qos=int(self._is_lasting))

    def _hear(self, topic: str, data: bytes, is_old: bool, number: int) -> None:
        self.n_heard += 1
        with self._hearing_lock:
            rows = self._hearing.rows(topic, data, self._utc_ns(), is_old=is_old)
            forgotten = self._hearing.forgotten(topic, data)
        session = self._opening
        if number and session is not None:
            self._writer.put(rows, lambda: self._note(session, number))
        else:
            self._writer.put(rows)
        self._on_rows(rows)
        if forgotten:
            self._on_forgotten(self.name, forgotten)

    def _note(self, session: Session, number: int) -> None:
        """Note, in the writer's thread, what is to be confirmed."""
        self._kept.append((session, number))
        self._keeper.waker.wake()

    def _confirm(self, session: Session) -> None:
        """Confirm what is kept, in the order in which it came; of a session before, nothing."""
        while self._kept:
            of, number = self._kept.popleft()
            if of is session:
                session.confirm(number)
