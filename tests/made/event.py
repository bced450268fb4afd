"""Events to judge, with what a test does not care about filled in."""

from dataclasses import replace

from edgespec.records import Change, Event, EventType

NS = 1_000_000_000
#: A Monday, 08:00 UTC.
MONDAY_NS = 1_768_809_600 * NS

_EVENT = Event(
    "e1", EventType.NEW, "lte", MONDAY_NS, MONDAY_NS + NS, 5, 10, 806.0e6, 806.1e6, 806.05e6, -41.0,
    Change.GAIN, 12.0, 9.0, "zscore", 3.0, 2.0, 0.8, "tone",
)  # fmt: skip


def event_of(
    kind: str = "tone",
    *,
    event_id: str = "e1",
    event_type: EventType = EventType.NEW,
    at_s: float = 0.0,
    lasts_s: float = 1.0,
    lower_hz: float = 806.0e6,
    upper_hz: float = 806.1e6,
    **fields: object,
) -> Event:
    """Return an event that begins ``at_s`` after :data:`MONDAY_NS`, its peak in the middle."""
    start_ns = MONDAY_NS + round(at_s * NS)
    return replace(
        _EVENT,
        event_id=event_id,
        event_type=event_type,
        kind=kind,
        start_ns=start_ns,
        end_ns=start_ns + round(lasts_s * NS),
        freq_lower_hz=lower_hz,
        freq_upper_hz=upper_hz,
        peak_freq_hz=(lower_hz + upper_hz) / 2.0,
        **fields,
    )
