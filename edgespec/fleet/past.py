"""Events of all observers, and what people said of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, tuple_

from edgespec.fleet.tables import ACTIONS, EVENTS
from edgespec.screen.table import Column, Table
from edgespec.units import format_duration, format_hz, format_utc
from edgespec.wire.fields import parse_utc

__all__ = [
    "EventsWanted",
    "FleetEvent",
    "event_lines",
    "event_payload_of",
    "fleet_actions",
    "fleet_events",
]  # fmt: skip

#: A database takes so many values in a statement at least.
_CHUNK = 300
_MOST_ACTIONS = 100


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """Which events: of a node, of a band, first heard in a time, alerts alone, the last so many."""

    node: str | None = None
    band: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    only_alerts: bool = False
    last: int = 50


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """An event as it was last told; ``decisions`` are commands that its observer has done."""

    broker: str
    node: str
    event_id: str
    first_ns: int
    message: dict[str, Any]
    decisions: tuple[str, ...] = ()


def fleet_events(base: Connection, wanted: EventsWanted) -> list[FleetEvent]:
    """Return events of observers, the last that was first heard before all others."""
    asked = select(EVENTS)
    for column, value in ((EVENTS.c.node, wanted.node), (EVENTS.c.band, wanted.band)):
        asked = asked if value is None else asked.where(column == value)
    if wanted.since_ns is not None:
        asked = asked.where(EVENTS.c.first_ns >= wanted.since_ns)
    if wanted.until_ns is not None:
        asked = asked.where(EVENTS.c.first_ns < wanted.until_ns)
    if wanted.only_alerts:
        asked = asked.where(EVENTS.c.is_alert)
    rows = base.execute(
        asked.order_by(EVENTS.c.first_ns.desc(), EVENTS.c.id).limit(wanted.last)
    ).all()
    said = _decisions(base, [(row.broker, row.node, row.id) for row in rows])
    return [
        FleetEvent(
            row.broker, row.node, row.id, row.first_ns, json.loads(row.message),
            tuple(sorted(said.get((row.broker, row.node, row.id), ()))),
        )
        for row in rows
    ]  # fmt: skip


def _decisions(
    base: Connection, about: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], set[str]]:
    found: dict[tuple[str, str, str], set[str]] = {}
    key = tuple_(ACTIONS.c.broker, ACTIONS.c.node, ACTIONS.c.event)
    for start in range(0, len(about), _CHUNK):
        some = about[start : start + _CHUNK]
        for row in base.execute(select(ACTIONS).where(key.in_(some))):
            found.setdefault((row.broker, row.node, row.event), set()).add(row.command)
    return found


def fleet_actions(base: Connection) -> list[dict[str, Any]]:
    """Return what people last asked for and observers have done, the newest first.

    Of a mute and of what is normal, ``undone`` says whether it was taken back.
    """
    asked = select(ACTIONS).order_by(ACTIONS.c.heard_ns.desc(), ACTIONS.c.name).limit(_MOST_ACTIONS)
    rows = base.execute(asked).all()
    undone = {(row.broker, row.node, row.name) for row in rows if row.command == "undo"}
    return [
        {
            "broker": row.broker,
            "node": row.node,
            "command": row.command,
            "id": row.name,
            "event": row.event,
            "heard": format_utc(row.heard_ns),
            "undone": (row.broker, row.node, row.name) in undone,
            "answer": json.loads(row.answer),
        }
        for row in rows
        if row.command != "undo"
    ]


def event_payload_of(event: FleetEvent) -> dict[str, Any]:
    """Return an object of schema ``edgespec.fleet-event/1``."""
    return {
        "schema": "edgespec.fleet-event/1",
        "broker": event.broker,
        "node": event.node,
        "first_heard": format_utc(event.first_ns),
        "decisions": list(event.decisions),
        "event": event.message,
    }


def event_lines(events: Sequence[FleetEvent], width: int | None) -> Iterator[str]:
    """Yield a table for people."""
    columns = ("first heard (UTC)", "observer", "band", "kind", "where", "lasted", "alert", "id")
    rows = [_cells(event) for event in events]
    yield from Table([Column(name) for name in columns], rows, width).lines()


def _cells(event: FleetEvent) -> tuple[str, ...]:
    told = event.message
    lower_hz, upper_hz = told["core:freq_lower_edge"], told["core:freq_upper_edge"]
    where = "-"
    if lower_hz is not None and upper_hz is not None:
        where = f"{format_hz(upper_hz - lower_hz)} at {format_hz((lower_hz + upper_hz) / 2)}"
    lasted_s = _seconds(told["end"]) - _seconds(told["start"])
    goes_on = "" if told["event_type"] == "end" else ", goes on"
    alert = "yes" if told["alert"] else told["no_alert_reason"] or "no"
    return (
        format_utc(event.first_ns)[:19],
        event.node,
        told["band"],
        told["kind"],
        where,
        f"{format_duration(max(lasted_s, 0.0))}{goes_on}",
        ", ".join((alert, *event.decisions)),
        event.event_id,
    )


def _seconds(text: str) -> float:
    return parse_utc(text) / 1e9
