"""The judge: whether an event is an alert, message by message."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from edgespec.alert import Alert
from edgespec.alerts.decisions import NOTHING, Decisions
from edgespec.alerts.facts import NO_FACTS, BandFacts
from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.rules import AlertRules
from edgespec.kinds import TEST
from edgespec.records import Event, EventType, ObserverState

__all__ = ["AlertJudge"]

#: More events are never open at once; whose end is not told is forgotten.
_MOST_OPEN = 1024


class AlertJudge:
    """Judges the messages of events, from whatever thread they come.

    What is an alert remains one until its event ends, whatever the rules say of it later, so that
    an alarm does not flicker with its level; only people take it back. What is none may become one
    as it goes on.

    Args:
        rules: those of the configuration.
        incidents: what the events are one of; from now on it belongs to the judge.
        decisions: returns what people have said, whenever it is asked.
        utc_ns: UTC, by which what they said expires.
        facts: what is known of a band, by its id; without it nothing is claimed.
    """

    def __init__(
        self,
        rules: AlertRules,
        incidents: IncidentTable,
        decisions: Callable[[], Decisions] = lambda: NOTHING,
        utc_ns: Callable[[], int] = time.time_ns,
        facts: Mapping[str, BandFacts] = MappingProxyType({}),
    ) -> None:
        self._rules = rules
        self._incidents = incidents
        self._decisions = decisions
        self._utc_ns = utc_ns
        self._facts = facts
        #: Since when an event that goes on is an alert.
        self._since_ns: OrderedDict[str, int] = OrderedDict()
        #: The band of every alert that is open now.
        self._open: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def judge(self, event: Event) -> Event:
        """Return a message with its ``alert``, and with what is known of its band."""
        event = self._facts.get(event.band, NO_FACTS).told_of(event)
        with self._lock:
            incident = "" if event.kind == TEST else self._incidents.take(event)
            reason = self._why_not(event, self._utc_ns())
            self._open.pop(event.event_id, None)
            if not reason and event.event_type is not EventType.END:
                self._open[event.event_id] = event.band
                if len(self._open) > _MOST_OPEN:
                    self._open.popitem(last=False)
        return replace(event, alert=Alert(not reason, reason, incident))

    def judge_state(self, state: ObserverState) -> ObserverState:
        """Return a state with what is known of its band.

        Its ``alarm`` says whether an alert is open, not an event.
        """
        state = self._facts.get(state.band, NO_FACTS).told_of_state(state)
        with self._lock:
            return replace(state, alarm=state.alarm and state.band in self._open.values())

    @property
    def incident_counts(self) -> tuple[int, int]:
        """How often there was something to keep of incidents, and how many were new."""
        with self._lock:
            return self._incidents.n_changes, self._incidents.n_found

    def incidents(self) -> bytes:
        """Return the incidents as they are kept."""
        with self._lock:
            return self._incidents.content()

    def _why_not(self, event: Event, now_ns: int) -> str:
        if event.kind == TEST:
            return TEST
        since_ns = self._since_ns.get(event.event_id)
        reason = self._decisions().why_not(event, now_ns, since_ns)
        if not reason and since_ns is None:
            reason = self._rules.why_not(event)
        if event.event_type is EventType.END:
            self._since_ns.pop(event.event_id, None)
        elif not reason and since_ns is None:
            self._since_ns[event.event_id] = now_ns
            if len(self._since_ns) > _MOST_OPEN:
                self._since_ns.popitem(last=False)
        return reason
