"""A sink that keeps events and incidents on disk, in a thread of its own: no band waits for it."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edgespec.alert import Alert
from edgespec.alerts.history import History
from edgespec.alerts.judge import AlertJudge
from edgespec.aside import Aside
from edgespec.newfile import replace_file
from edgespec.records import Event, EventType, ObserverState, RssReport
from edgespec.wire.event import EventMessage

__all__ = ["EventKeeper"]

_LOG = logging.getLogger(__name__)
#: Incidents are written so often at most: one that is new sooner, so that it can be looked at.
_SAVE_S, _NEW_S = 60.0, 5.0
_MOST_WAITING = 1024
_MOST_OPEN = 1024
_CLOSE_S = 5.0


class EventKeeper:
    """Writes only when there is an event: its begin, its end, and where its alert changes.

    A disk that refuses costs what it refuses, and is said once until it takes something again.

    Args:
        judge: knows the incidents.
        node: id of the observer.
        history: of the events; None keeps none.
        incidents_path: where the incidents are kept.
        clock: seconds, of a clock that never steps.
    """

    def __init__(
        self,
        judge: AlertJudge,
        node: str,
        history: History | None,
        incidents_path: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._judge = judge
        self._node = node
        self._history = history
        self._path = incidents_path
        self._clock = clock
        self._said: OrderedDict[str, Alert] = OrderedDict()
        self._saved, self._found, self._saved_s = 0, 0, float("-inf")
        self._aside = Aside[Callable[[], None]]("events", self._do, _MOST_WAITING)
        self._has_failed = False

    def event(self, event: Event) -> None:
        """Keep a message, if there is anything new in it."""
        before = self._said.pop(event.event_id, None)
        if event.event_type is not EventType.END:
            self._said[event.event_id] = event.alert
            if len(self._said) > _MOST_OPEN:
                self._said.popitem(last=False)
        is_new = event.event_type is EventType.END or before != event.alert
        if self._history is not None and is_new:
            # Numbers count what a broker is told; here they are none.
            self._later(partial(self._history.append, EventMessage(event, self._node, 0)))
        self._save_if_due()

    def state(self, state: ObserverState) -> None:
        """Write what has waited long enough."""
        self._save_if_due()

    def rss(self, report: RssReport) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Write all, and wait for it some seconds at most."""
        self._save_if_due(is_last=True)
        self._aside.close(_CLOSE_S)

    def _save_if_due(self, *, is_last: bool = False) -> None:
        now_s = self._clock()
        changes, found = self._judge.incident_counts
        wait_s = _SAVE_S if found == self._found else _NEW_S
        if changes == self._saved or (not is_last and now_s - self._saved_s < wait_s):
            return
        self._saved, self._found, self._saved_s = changes, found, now_s
        self._later(partial(replace_file, self._path, self._judge.incidents()))

    def _later(self, job: Callable[[], None]) -> None:
        if not self._aside.put(job):
            self._fail("the disk is too slow")

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
            self._has_failed = False
        except OSError as error:
            self._fail(error.strerror or str(error))
        except Exception as error:
            # Whatever it is, the thread must outlive it: nothing else writes events.
            self._fail(repr(error)[:200])

    def _fail(self, reason: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _LOG.warning("events are not kept in %s (%s)", self._path.parent, reason)
