"""Events in the history: one row each, begun by the first message and brought up by each later."""

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from edgespec.history.tables import Row
from edgespec.history.within import within
from edgespec.records import EventType
from edgespec.wire.event import EventMessage, event_payload, parse_event
from edgespec.wire.text import PayloadError, encode

__all__ = ["EVERYTHING", "EventFilter", "event_row", "last_message", "messages"]

#: What the first message says stays: when it was first told, and how good UTC was then.
_FIRST = ("id", "clock_at_start")
_LAST = (
    "band", "kind", "incident", "is_alert", "is_over", "lower_hz", "upper_hz", "excess_db",
    "severity_db", "sureness", "score", "threshold", "start_ns", "end_ns", "clock", "message",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO events ({', '.join((*_FIRST, *_LAST))}, told) "
    f"VALUES ({', '.join('?' * len((*_FIRST, *_LAST)))}, "
    "(SELECT coalesce(max(told), 0) + 1 FROM events)) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_LAST, "told"))
)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted: of these bands and kinds, alerts alone, that reach into a time.

    Nothing named is everything. ``last`` is how many at most, the newest.
    """

    bands: Collection[str] = ()
    kinds: Collection[str] = ()
    only_alerts: bool = False
    since_ns: int | None = None
    until_ns: int | None = None
    last: int | None = None


EVERYTHING = EventFilter()


def event_row(message: EventMessage) -> Row:
    """Return what writes a message of an event."""
    event = message.event
    return _INSERT, (
        event.event_id,
        event.clock.value,
        event.band,
        event.kind,
        event.alert.incident,
        event.alert.is_on,
        event.event_type is EventType.END,
        event.freq_lower_hz,
        event.freq_upper_hz,
        event.excess_db,
        event.severity_db,
        event.sureness,
        event.score,
        event.threshold,
        event.start_ns,
        event.end_ns,
        event.clock.value,
        encode(event_payload(message)).decode(),
    )


def messages(base: sqlite3.Connection, wanted: EventFilter) -> list[EventMessage]:
    """Return the last message of each event that is wanted, in the order in which they began.

    One that is no message any more is left out.
    """
    in_time, values = within(("end_ns >= ?", wanted.since_ns), ("start_ns < ?", wanted.until_ns))
    terms = [in_time]
    for name, among in (("band", wanted.bands), ("kind", wanted.kinds)):
        if among:
            terms.append(f"{name} IN ({', '.join('?' * len(among))})")
            values += among
    if wanted.only_alerts:
        terms.append("is_alert")
    limit = -1 if wanted.last is None else wanted.last
    found = base.execute(
        f"SELECT message FROM events WHERE {' AND '.join(terms)} ORDER BY number DESC LIMIT ?",
        (*values, limit),
    )
    return list(_parsed(text for (text,) in found))[::-1]


def last_message(base: sqlite3.Connection, name: str) -> EventMessage | None:
    """Return the last message of an event, or of an incident; None where none is kept."""
    found = base.execute(
        "SELECT message FROM events WHERE id = ? UNION ALL SELECT * FROM (SELECT message FROM "
        "events WHERE incident = ? AND incident != '' ORDER BY told DESC LIMIT 1)",
        (name, name),
    )
    return next(_parsed(text for (text,) in found), None)


def _parsed(texts: Iterator[object]) -> Iterator[EventMessage]:
    for text in texts:
        try:
            yield parse_event(str(text))
        except PayloadError:
            continue
