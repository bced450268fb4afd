"""Events of two models: which of them both told, and which only one."""

from collections import deque
from dataclasses import dataclass, field
from math import inf

from edgespec.records import Event, EventType
from edgespec.units import format_utc

__all__ = ["Encounters", "SeenEvent", "Told"]

_NS = 1_000_000_000
#: Events that touch within so long, or within a hop, and at any frequency, are of the same thing.
_SLACK_S = 0.5
#: An event is compared so long after its end, or once it has gone on for so long; of segments that
#: take longer, so many hops.
_SETTLE_S, _LONG_S = 2.0, 30.0
_SETTLE_HOPS, _LONG_HOPS = 4, 8
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


@dataclass(frozen=True, slots=True)
class _Times:
    """What is the same, and when an event is compared."""

    slack_ns: int
    settle_ns: int
    long_ns: int

    @classmethod
    def of(cls, hop_s: float) -> "_Times":
        """Return the times for segments of a hop."""
        times_s = (
            max(_SLACK_S, hop_s),
            max(_SETTLE_S, _SETTLE_HOPS * hop_s),
            max(_LONG_S, _LONG_HOPS * hop_s),
        )
        return cls(*(round(one * _NS) for one in times_s))


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

    def settle(self, other: "Told", now_ns: float, not_before_ns: float, times: "_Times") -> None:
        """Compare what can be compared by now with the events of the other one."""
        for name, event in self.kept.items():
            is_over = event.event_type is EventType.END and event.end_ns + times.settle_ns <= now_ns
            is_due = is_over or event.start_ns + times.long_ns <= now_ns
            if name in self.settled or not is_due:
                continue
            self.settled.add(name)
            # What began while the candidate learnt is normal for it.
            if event.start_ns < not_before_ns:
                continue
            self.n_events += 1
            if any(_is_same(event, one, times.slack_ns) for one in other.kept.values()):
                self.both.append(SeenEvent.of(event))
            else:
                self.n_alone += 1
                self.alone.append(SeenEvent.of(event))


class Encounters:
    """The events of the running model and of the candidate beside each other.

    Args:
        hop_s: from one segment of the candidate to the next: no event is known any better.

    Attributes:
        running: those of the model that runs.
        candidate: those that the other one would have told.
        begin_ns: UTC from which on both could tell events; infinite: not yet.
    """

    def __init__(self, hop_s: float = 0.0) -> None:
        self.running, self.candidate = Told(), Told()
        self._times = _Times.of(hop_s)
        self.begin_ns: float = inf

    def settle(self, now_ns: float) -> None:
        """Compare events that were over for a while at a time that both have heard."""
        self.running.settle(self.candidate, now_ns, self.begin_ns, self._times)
        self.candidate.settle(self.running, now_ns, self.begin_ns, self._times)


def _is_same(one: Event, other: Event, slack_ns: int) -> bool:
    is_near = one.freq_lower_hz <= other.freq_upper_hz and other.freq_lower_hz <= one.freq_upper_hz
    return is_near and _from_to(one, other, slack_ns) and _from_to(other, one, slack_ns)


def _from_to(one: Event, other: Event, slack_ns: int) -> bool:
    """Whether the first begins before the other is over; one that goes on is not over."""
    return other.event_type is not EventType.END or one.start_ns <= other.end_ns + slack_ns
