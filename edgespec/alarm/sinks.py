"""All sinks as one: each message goes to every sink, whatever happens in the others."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from edgespec.alarm.sink import Sink
from edgespec.records import Event, ObserverState, RssReport

__all__ = ["Judge", "Sinks"]

_LOG = logging.getLogger(__name__)


class Judge(Protocol):
    """Says what is an alert before anybody is told."""

    def judge(self, event: Event) -> Event:
        """Return a message with its ``alert``."""
        ...

    def judge_state(self, state: ObserverState) -> ObserverState:
        """Return a state whose ``alarm`` says whether an alert is open."""
        ...


class Sinks:
    """Hands every message to every sink, one message at a time.

    A sink that raises is reported once, in the log, and is told the next message as if nothing
    had happened: what it fails at may pass, and it must still be closed.

    Args:
        sinks: in the order in which they are told.
        on_event: called after the sinks with every event, and guarded as they are.
        judge: says what is an alert; where it fails, and without it, every event is one.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        on_event: Callable[[Event], None] = lambda event: None,
        judge: Judge | None = None,
    ) -> None:
        self._sinks = sinks
        self._on_event = on_event
        self._judge = judge
        self._reported: set[str] = set()
        self._lock = threading.Lock()

    def event(self, event: Event) -> None:
        """Judge one message of an event's life, and tell it."""
        judge, said = self._judge, [event]
        if judge is not None:
            self.guard("who judges events", lambda: said.append(judge.judge(event)))
        event = said[-1]
        self._tell(lambda sink: sink.event(event))
        self.guard("what listens to events", lambda: self._on_event(event))

    def state(self, state: ObserverState) -> None:
        """Judge the periodic state, and tell it."""
        judge, said = self._judge, [state]
        if judge is not None:
            self.guard("who judges states", lambda: said.append(judge.judge_state(state)))
        state = said[-1]
        self._tell(lambda sink: sink.state(state))

    def rss(self, report: RssReport) -> None:
        """Tell the received power of a second."""
        self._tell(lambda sink: sink.rss(report))

    def close(self) -> None:
        """Close every sink, the last first: a broker may take seconds."""
        with self._lock:
            for number, sink in reversed([*enumerate(self._sinks, start=1)]):
                self._guard_sink(number, sink, lambda sink: sink.close())

    def guard(self, what: str, call: Callable[[], None]) -> None:
        """Call something that must not end the observer; the first failure of ``what`` is logged.

        ``what`` names it in the log.
        """
        try:
            call()
        except Exception as error:
            # Whatever a sink fails at, the band and the other sinks are worth more.
            if what not in self._reported:
                self._reported.add(what)
                _LOG.error(
                    "%s failed (%s: %s); the observer goes on, and says so only once",
                    what,
                    type(error).__name__,
                    error,
                    exc_info=error if _LOG.isEnabledFor(logging.DEBUG) else None,
                )

    def _tell(self, say: Callable[[Sink], None]) -> None:
        with self._lock:
            for number, sink in enumerate(self._sinks, start=1):
                self._guard_sink(number, sink, say)

    def _guard_sink(self, number: int, sink: Sink, say: Callable[[Sink], None]) -> None:
        self.guard(f"sink {number}, a {type(sink).__name__},", partial(say, sink))
