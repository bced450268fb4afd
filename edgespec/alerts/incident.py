"""One thing that comes again and again: where it is, what it is, and when it was there."""

import uuid
from dataclasses import dataclass, replace
from statistics import median

from edgespec.alerts.family import LEVELLESS, is_like, sure_kind
from edgespec.change import Change
from edgespec.clock import ClockQuality
from edgespec.errors import EdgespecError
from edgespec.records import Event

__all__ = ["Incident"]

_NS = 1_000_000_000
_HOUR_NS = 3600 * _NS
_MOST_NAMES, _MOST_INTERVALS = 8, 16
#: Each edge of an event may lie so far outside, in widths of what the incident began with.
_PLACE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Incident:
    """Events at one place of one band, of one sign and family of kinds.

    The place is that of the first event, ``lower_hz`` to ``upper_hz`` once that has ended, and
    does not move: what drifts away from it becomes another incident. ``slack_hz`` is how exactly
    edges are known. What was seen: ``least_hz`` to ``most_hz``, ``kinds``, ``detectors``, and the
    largest ``peak_dbfs`` and absolute ``excess_db``.

    The timetable: ``n_events`` since ``first_ns``, the last message at ``last_ns``, ``hours`` how
    many began in each hour of the day in UTC, ``intervals_s`` between the last beginnings,
    ``duration_s`` of the longest. ``open_id`` is the event that goes on, if any.
    """

    id: str
    band: str
    change: Change
    kinds: tuple[str, ...]
    lower_hz: float
    upper_hz: float
    slack_hz: float
    least_hz: float
    most_hz: float
    peak_dbfs: float
    excess_db: float
    first_ns: int
    last_ns: int
    began_ns: int
    n_events: int = 0
    hours: tuple[int, ...] = (0,) * 24
    intervals_s: tuple[float, ...] = ()
    duration_s: float = 0.0
    open_id: str = ""
    detectors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.hours) != 24 or min(self.hours) < 0:
            raise EdgespecError(f"hours has {len(self.hours)} counts; it must have 24, from 0 up")
        if not self.least_hz <= self.lower_hz <= self.upper_hz <= self.most_hz:
            raise EdgespecError("its edges do not rise")
        counts = (self.slack_hz, self.n_events, self.duration_s, *self.intervals_s)
        if min(counts) < 0 or not self.kinds:
            raise EdgespecError("a length or a count is negative, or it is of no kind")

    @classmethod
    def of(cls, event: Event, slack_hz: float) -> "Incident":
        """Return the incident that an event begins, before the event is counted."""
        lower_hz, upper_hz = sorted((event.freq_lower_hz, event.freq_upper_hz))
        return cls(
            id=f"i-{uuid.uuid4().hex[:8]}",
            band=event.band,
            change=event.change,
            kinds=(sure_kind(event),),
            lower_hz=lower_hz,
            upper_hz=upper_hz,
            slack_hz=slack_hz,
            least_hz=lower_hz,
            most_hz=upper_hz,
            peak_dbfs=event.peak_dbfs,
            excess_db=abs(event.excess_db),
            first_ns=event.start_ns,
            last_ns=event.start_ns,
            began_ns=event.start_ns,
        )

    @property
    def levelless(self) -> tuple[str, ...]:
        """Its kinds of which nothing tells how strong the cause is: it cannot be called normal."""
        return tuple(kind for kind in self.kinds if kind in LEVELLESS)

    @property
    def interval_s(self) -> float | None:
        """The usual time between two beginnings: the median of the last ones; None: only one."""
        return median(self.intervals_s) if self.intervals_s else None

    def is_place_of(self, event: Event) -> bool:
        """Whether an event is at its place, and of its sign and kind."""
        reach_hz = self.slack_hz + _PLACE_SHARE * (self.upper_hz - self.lower_hz)
        return (
            event.band == self.band
            and event.change is self.change
            and is_like(event, self.kinds)
            and event.freq_lower_hz >= self.lower_hz - reach_hz
            and event.freq_upper_hz <= self.upper_hz + reach_hz
        )

    def distance_hz(self, event: Event) -> float:
        """Return how far an event's edges lie from the place, in all."""
        below_hz, above_hz = (
            event.freq_lower_hz - self.lower_hz,
            event.freq_upper_hz - self.upper_hz,
        )
        return abs(below_hz) + abs(above_hz)

    def begun(self, event: Event) -> "Incident":
        """Count an event that begins.

        An interval that is not positive, or in which UTC was set, is none.
        """
        hour = event.start_ns % (24 * _HOUR_NS) // _HOUR_NS
        hours = tuple(n + (k == hour) for k, n in enumerate(self.hours))
        interval_s = (event.start_ns - self.began_ns) / _NS
        intervals_s = self.intervals_s
        if self.n_events and interval_s > 0 and event.clock is not ClockQuality.STEPPED:
            intervals_s = (*intervals_s, interval_s)[-_MOST_INTERVALS:]
        return replace(
            self,
            n_events=self.n_events + 1,
            began_ns=event.start_ns,
            hours=hours,
            intervals_s=intervals_s,
            open_id=event.event_id,
        )

    def heard(self, event: Event) -> "Incident":
        """Take what a message of one of its events says."""
        lower_hz, upper_hz = sorted((event.freq_lower_hz, event.freq_upper_hz))
        heard = replace(
            self,
            kinds=_with(self.kinds, sure_kind(event)),
            detectors=_with(self.detectors, event.detector),
            least_hz=min(self.least_hz, lower_hz),
            most_hz=max(self.most_hz, upper_hz),
            peak_dbfs=max(self.peak_dbfs, event.peak_dbfs),
            excess_db=max(self.excess_db, abs(event.excess_db)),
            last_ns=event.end_ns,
            duration_s=max(self.duration_s, event.heard_s),
        )
        if self.n_events > 1:
            return heard
        # Of the first event, all that it turned out to be is the place.
        return replace(heard, lower_hz=heard.least_hz, upper_hz=heard.most_hz)

    def ended(self, event: Event) -> "Incident":
        """Take the end of one of its events."""
        return replace(self, open_id="") if self.open_id == event.event_id else self


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)[:_MOST_NAMES]
