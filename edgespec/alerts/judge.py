"""The judge: whether an event is an alert, message by message."""

import threading
from collections import OrderedDict
from dataclasses import replace

from edgespec.alert import Alert
from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.rules import AlertRules
from edgespec.records import Event, EventType

__all__ = ["AlertJudge"]

#: More events are never open at once; whose end is not told is forgotten.
_MOST_OPEN = 1024


class AlertJudge:
    """Judges the messages of events, from whatever thread they come.

    What a rule has made an alert remains one until its event ends, so that an alarm does not
    flicker with its level; what none has may become one as it goes on.

    Args:
        rules: those of the configuration.
        incidents: what the events are one of; from now on it belongs to the judge.
    """

    def __init__(self, rules: AlertRules, incidents: IncidentTable) -> None:
        self._rules = rules
        self._incidents = incidents
        self._alerting: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def judge(self, event: Event) -> Event:
        """Return a message with its ``alert``."""
        with self._lock:
            incident = self._incidents.take(event)
            reason = self._by_rules(event)
        return replace(event, alert=Alert(not reason, reason, incident))

    @property
    def incident_counts(self) -> tuple[int, int]:
        """How often there was something to keep of incidents, and how many were new."""
        with self._lock:
            return self._incidents.n_changes, self._incidents.n_found

    def incidents(self) -> bytes:
        """Return the incidents as they are kept."""
        with self._lock:
            return self._incidents.content()

    def _by_rules(self, event: Event) -> str:
        was_alert = event.event_id in self._alerting
        reason = "" if was_alert else self._rules.why_not(event)
        if event.event_type is EventType.END:
            self._alerting.pop(event.event_id, None)
        elif not reason and not was_alert:
            self._alerting[event.event_id] = None
            if len(self._alerting) > _MOST_OPEN:
                self._alerting.popitem(last=False)
        return reason
