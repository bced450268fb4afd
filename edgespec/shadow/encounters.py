"""Events of two models: which of them both told, and which only one."""

from collections import deque
from dataclasses import dataclass, field
from math import inf

from edgespec.records import Event, EventType
from edgespec.units import format_utc

__all__ = ["Encounters", "SeenEvent", "Told"]

_NS = 1_000_000_000
#: Events that touch within so long, and at any frequency, are of the same thing.
_SLACK_NS = _NS // 2
#: An event is compared so long after its end, or once it has gone on for so long.
_SETTLE_NS, _LONG_NS = 2 * _NS, 30 * _NS
#: As many of each sort are listed, the newest; as many events are kept to be compared with.
_MOST_LISTED, _MOST_KEPT = 50, 512


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event as a report lists it, by whoever told it."""

    start: str
    lasted_s: float
    kind: str
    detector: str
    freq_lower_hz: float
    freq_upper_hz: float
    peak_dbfs: float
    severity_db: float

    @classmethod
    def of(cls, event: Event) -> "SeenEvent":
        """Return what a report says of an event."""
        return cls(
            format_utc(event.start_ns),
            (event.end_ns - event.start_ns) / _NS,
            event.kind,
            event.detector,
            event.freq_lower_hz,
            event.freq_upper_hz,
            event.peak_dbfs,
            event.severity_db,
        )


@dataclass(slots=True)
class Told:
    """The events of one of the two: how many were compared, and how many it told alone."""

    n_events: int = 0
    n_alone: int = 0
    alone: deque[SeenEvent] = field(default_factory=lambda: deque(maxlen=_MOST_LISTED))
    both: deque[SeenEvent] = field(default_factory=lambda: deque(maxlen=_MOST_LISTED))
    kept: dict[str, Event] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        """Keep an event as it was last told."""
        self.kept[event.event_id] = event
        for name in [*self.kept][: max(len(self.kept) - _MOST_KEPT, 0)]:
            del self.kept[name]
            self.settled.discard(name)

    def forget_from(self, utc_ns: int) -> None:
        """Forget events from a time on that the other one has not heard."""
        self.kept = {name: one for name, one in self.kept.items() if one.start_ns <= utc_ns}

    def settle(self, other: "Told", now_ns: float, not_before_ns: float) -> None:
        """Compare what can be compared by now with the events of the other one."""
        for name, event in self.kept.items():
            is_over = event.event_type is EventType.END and event.end_ns + _SETTLE_NS <= now_ns
            is_due = is_over or event.start_ns + _LONG_NS <= now_ns
            if name in self.settled or not is_due:
                continue
            self.settled.add(name)
            # What began while the candidate learnt is normal for it.
            if event.start_ns < not_before_ns:
                continue
            self.n_events += 1
            if any(_is_same(event, one) for one in other.kept.values()):
                self.both.append(SeenEvent.of(event))
            else:
                self.n_alone += 1
                self.alone.append(SeenEvent.of(event))


class Encounters:
    """The events of the running model and of the candidate beside each other.

    Attributes:
        running: those of the model that runs.
        candidate: those that the other one would have told.
        begin_ns: UTC from which on both could tell events; infinite: not yet.
    """

    def __init__(self) -> None:
        self.running, self.candidate = Told(), Told()
        self.begin_ns: float = inf

    def settle(self, now_ns: float) -> None:
        """Compare events that were over for a while at a time that both have heard."""
        self.running.settle(self.candidate, now_ns, self.begin_ns)
        self.candidate.settle(self.running, now_ns, self.begin_ns)


def _is_same(one: Event, other: Event) -> bool:
    is_near = one.freq_lower_hz <= other.freq_upper_hz and other.freq_lower_hz <= one.freq_upper_hz
    return is_near and _from_to(one, other) and _from_to(other, one)


def _from_to(one: Event, other: Event) -> bool:
    """Whether the first begins before the other is over; one that goes on is not over."""
    return other.event_type is not EventType.END or one.start_ns <= other.end_ns + _SLACK_NS
