"""A sink that keeps the history in a thread of its own: no band waits for the disk."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from edgespec import __version__
from edgespec.alert import Alert
from edgespec.aside import Jobs
from edgespec.band_minute import BandMinute
from edgespec.clock import ClockQuality
from edgespec.history.events import event_row
from edgespec.history.levels import minute_rows
from edgespec.history.states import condition_of, state_row
from edgespec.history.store import Store
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.records import Event, EventType, ObserverState, RssReport
from edgespec.wire.event import EventMessage

__all__ = ["HistoryKeeper"]

_MOST_WAITING = 1024
_MOST_OPEN = 1024
_CLOSE_S = 5.0


class HistoryKeeper:
    """Keeps events, changes of states, and minutes; nothing is written while nothing is new.

    Of an event that is its begin, its end, and where its alert changes, which are written at once;
    the rest waits until there is more of it.

    Args:
        store: what writes; from now on it belongs to the keeper.
        node: id of the observer.
        quality: how good UTC is.
        scales: what the levels of a band mean, by its id.
        utc_ns: UTC.
    """

    def __init__(
        self,
        store: Store,
        node: str,
        quality: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
        scales: Mapping[str, LevelScale] = MappingProxyType({}),
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._node = node
        self._quality = quality
        self._scales = scales
        self._utc_ns = utc_ns
        self._conditions: dict[str, dict[str, Any]] = {}
        self._said: OrderedDict[str, Alert] = OrderedDict()
        self._jobs = Jobs("history", "something of the history is not kept", _MOST_WAITING)

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
            self._jobs.add(partial(self._keep_event, EventMessage(event, self._node, 0)))

    def state(self, state: ObserverState) -> None:
        """Keep what has changed, and write what has waited long enough."""
        if not self._conditions:
            self._keep_run("begun", state.utc_ns)
        condition = condition_of(state)
        if condition != self._conditions.get(state.band):
            self._conditions[state.band] = condition
            self._jobs.add(partial(self._keep_state, state.utc_ns, state.band, condition))
        elif self._store.is_due:
            self._jobs.add(self._store.flush)

    def rss(self, report: RssReport) -> None:
        """Keep nothing: minutes have more."""

    def minute(self, minute: BandMinute) -> None:
        """Keep a minute of a band."""
        self._jobs.add(partial(self._keep_minute, minute))

    def close(self) -> None:
        """Write all, and wait for it some seconds at most."""
        if self._jobs.has_begun:
            if self._conditions:
                self._keep_run("ended", self._utc_ns())
            self._jobs.add(self._store.close)
            self._jobs.close(_CLOSE_S)

    def _keep_event(self, message: EventMessage) -> None:
        self._store.keep([event_row(message)], at_once=True)

    def _keep_run(self, what: str, at_ns: int) -> None:
        told = {"run": what, "node": self._node, "version": __version__}
        self._jobs.add(partial(self._keep_state, at_ns, "", told))

    def _keep_state(self, at_ns: int, band: str, condition: dict[str, Any]) -> None:
        self._store.keep([state_row(at_ns, self._quality(), band, condition)])

    def _keep_minute(self, minute: BandMinute) -> None:
        scale = self._scales.get(minute.band, UNCALIBRATED)
        self._store.keep(minute_rows(minute, self._quality(), scale))
