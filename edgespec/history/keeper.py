"""A sink that keeps the history in a thread of its own: no band waits for the disk."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from edgespec.alert import Alert
from edgespec.aside import Aside
from edgespec.door import brief
from edgespec.history.events import event_row
from edgespec.history.store import Store
from edgespec.records import Event, EventType, ObserverState, RssReport
from edgespec.wire.event import EventMessage

__all__ = ["HistoryKeeper"]

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 1024
_MOST_OPEN = 1024
_CLOSE_S = 5.0


class HistoryKeeper:
    """Keeps the begin and the end of every event, and where its alert changes.

    Those are written at once; nothing is written while there is nothing new.

    Args:
        store: what writes; from now on it belongs to the keeper.
        node: id of the observer.
    """

    def __init__(self, store: Store, node: str) -> None:
        self._store = store
        self._node = node
        self._said: OrderedDict[str, Alert] = OrderedDict()
        self._aside = Aside[Callable[[], None]]("history", self._do, _MOST_WAITING)
        self._has_failed = False

    @property
    def problem(self) -> str:
        """Why nothing can be written now; '' where it can."""
        return self._store.problem

    def event(self, event: Event) -> None:
        """Keep a message, if there is anything new in it."""
        before = self._said.pop(event.event_id, None)
        if event.event_type is not EventType.END:
            self._said[event.event_id] = event.alert
            if len(self._said) > _MOST_OPEN:
                self._said.popitem(last=False)
        if event.event_type is EventType.END or before != event.alert:
            # Numbers count what a broker is told; here they are none.
            self._later(partial(self._keep_event, EventMessage(event, self._node, 0)))

    def state(self, state: ObserverState) -> None:
        """Write what has waited long enough."""
        if self._store.is_due:
            self._later(self._store.flush)

    def rss(self, report: RssReport) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Write all, and wait for it some seconds at most."""
        if self._aside.has_begun:
            self._later(self._store.close)
            self._aside.close(_CLOSE_S)

    def _keep_event(self, message: EventMessage) -> None:
        self._store.keep([event_row(message)], at_once=True)

    def _later(self, job: Callable[[], None]) -> None:
        if not self._aside.put(job):
            self._fail("the disk is too slow")

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            # Whatever it is, the thread must outlive it: nothing else writes the history.
            self._fail(brief(repr(error), 200))

    def _fail(self, reason: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _LOG.warning("something of the history is not kept (%s); said once", reason)
