"""'This is normal': what was taught, and what is like it."""

from dataclasses import dataclass

from edgespec.alerts.family import is_like
from edgespec.alerts.incident import Incident
from edgespec.change import Change
from edgespec.records import Event

__all__ = ["MARGIN_DB", "Normal", "normal_of"]

#: What is so much stronger than the strongest that was taught is another thing, or nearer.
MARGIN_DB = 3.0
#: ... and what lasts so much longer: so many times, and a second more.
_LONGER, _MORE_S = 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Normal:
    """A local verifier's template, made of an incident; the detectors' thresholds stay as they are.

    Edges, kinds, levels and duration are the outermost that were seen, and do not move with what
    comes later. Of a gain the level is ``peak_dbfs``: the excess over normal follows the traffic
    beside it and the detector, the peak does not, and with the edges it bounds the power. Of a loss
    it is ``excess_db``. ``duration_s`` is None where it went on while it was taught. ``until_ns``
    is UTC, None for ever.
    """

    id: str
    made_ns: int
    until_ns: int | None
    incident: str
    band: str
    change: Change
    kinds: tuple[str, ...]
    lower_hz: float
    upper_hz: float
    slack_hz: float
    peak_dbfs: float
    excess_db: float
    duration_s: float | None
    n_events: int

    def holds(self, now_ns: int) -> bool:
        """Whether it has not expired."""
        return self.until_ns is None or now_ns < self.until_ns

    def covers(self, event: Event) -> bool:
        """Whether an event is like what was taught: there, no wider, no stronger, no longer."""
        return (
            event.band == self.band
            and event.change is self.change
            and is_like(event, self.kinds)
            and event.freq_lower_hz >= self.lower_hz - self.slack_hz
            and event.freq_upper_hz <= self.upper_hz + self.slack_hz
            and self._is_as_weak(event)
            and self._is_as_short(event)
        )

    def _is_as_weak(self, event: Event) -> bool:
        if self.change is Change.GAIN:
            return event.peak_dbfs <= self.peak_dbfs + MARGIN_DB
        return abs(event.excess_db) <= self.excess_db + MARGIN_DB

    def _is_as_short(self, event: Event) -> bool:
        if self.duration_s is None:
            return True
        return event.heard_s <= _LONGER * self.duration_s + _MORE_S


def normal_of(incident: Incident, name: str, made_ns: int, until_ns: int | None) -> Normal:
    """Return the template of an incident as it is now."""
    return Normal(
        id=name,
        made_ns=made_ns,
        until_ns=until_ns,
        incident=incident.id,
        band=incident.band,
        change=incident.change,
        kinds=incident.kinds,
        lower_hz=incident.least_hz,
        upper_hz=incident.most_hz,
        slack_hz=incident.slack_hz,
        peak_dbfs=incident.peak_dbfs,
        excess_db=incident.excess_db,
        duration_s=None if incident.open_id else incident.duration_s,
        n_events=incident.n_events,
    )
