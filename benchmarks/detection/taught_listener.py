"""Somebody who calls all normal that an observer told for a while, and what alarms from then on."""

from dataclasses import dataclass, field

from edgespec.alerts.decisions import NOTHING, Decisions
from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.normal import normal_of
from edgespec.alerts.rules import AlertRules
from edgespec.config import AlarmConfig
from edgespec.records import Event

__all__ = ["Taught"]


@dataclass(slots=True)
class Taught:
    """A judge of an observer's events, whose incidents are all called normal once.

    ``alerted`` has the sample in which an event became an alert, by its id.
    """

    incidents: IncidentTable
    decisions: Decisions = NOTHING
    alerted: dict[str, int] = field(default_factory=dict)
    judge: AlertJudge = field(init=False)

    def __post_init__(self) -> None:
        rules = AlertRules(AlarmConfig())
        self.judge = AlertJudge(rules, self.incidents, lambda: self.decisions, lambda: 1)

    def teach(self) -> None:
        """Call normal all that was told so far and can be."""
        for incident in self.incidents:
            if not incident.levelless:
                normal = normal_of(incident, f"normal-{incident.id}", 0, None)
                self.decisions = self.decisions.learn(normal)

    def take(self, event: Event, at: int) -> None:
        """Judge a message that came with a sample."""
        if self.judge.judge(event).alert.is_on:
            self.alerted.setdefault(event.event_id, at)
