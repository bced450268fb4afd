"""Events and incidents for people: rows, and a day as a row of bars."""

from collections.abc import Iterable, Sequence
from typing import Any

from edgespec.alerts.incident import Incident
from edgespec.ops.csv_text import csv_text
from edgespec.records import Event
from edgespec.screen.table import Column, Table
from edgespec.units import format_hz, format_utc
from edgespec.wire.event import EventMessage, event_payload

__all__ = [
    "answer_lines",
    "event_rows",
    "events_csv",
    "incident_lines",
    "timetable",
]

_BARS = "▁▂▃▄▅▆▇█"
#: The same where the output has no such characters.
_ASCII_BARS = "12345678"
_COLUMNS = (
    Column("start (UTC)"),
    Column("lasted", True),
    Column("band"),
    Column("kind"),
    Column("where"),
    Column("peak", True),
    Column("excess dB", True),
    Column("alert"),
    Column("incident"),
    Column("id"),
    Column("mask"),
)


def answer_lines(answer: dict[str, Any]) -> list[str]:
    """Return what an observer has answered to a request, a line for each thing."""
    if "mutes" in answer:
        found = [*answer["mutes"], *answer["normals"]]
        return [line for one in found for line in answer_lines(one)] or ["nothing is silenced"]
    if "until" not in answer:
        return [f"{what}: {name}" for what, name in answer.items()]
    kinds = answer.get("kinds") or [answer.get("kind") or "every kind"]
    where = _where(answer["core:freq_lower_edge"], answer["core:freq_upper_edge"])
    until = f"until {answer['until'][:19]}Z" if answer["until"] else "for ever"
    band = answer["band"] or "every band"
    return [f"{answer['id']}  {band}: {' or '.join(kinds)}, {where}, {until}"]


def event_rows(events: Iterable[Event], width: int | None = None) -> list[str]:
    """Return a heading, and a row for each event."""
    return Table(_COLUMNS, map(_cells, events), width).lines()


def events_csv(messages: Sequence[EventMessage]) -> str:
    """Return events as CSV, a column for each field of their schema."""
    return csv_text([event_payload(message) for message in messages])


def incident_lines(incident: Incident, encoding: str = "utf-8") -> list[str]:
    """Return what is known of an incident, and its day, for an output of that encoding."""
    interval_s = incident.interval_s
    often = "once" if incident.n_events == 1 else f"{incident.n_events} times"
    every = "" if interval_s is None else f", about every {_duration(interval_s)}"
    goes_on = ", goes on" if incident.open_id else ""
    where = _range(incident.lower_hz, incident.upper_hz)
    return [
        f"{incident.id}  {incident.band}: {' or '.join(incident.kinds)}, {where}",
        f"  {often}{every}, at most {_duration(incident.duration_s)} long{goes_on}; "
        f"{format_utc(incident.first_ns)[:19]}Z to {format_utc(incident.last_ns)[:19]}Z",
        f"  00 {timetable(incident.hours, encoding)} 24 h UTC",
    ]


def timetable(hours: Sequence[int], encoding: str = "utf-8") -> str:
    """Return counts as bars, the largest full, none as a dot; as digits where there are no bars."""
    bars, none, most = _BARS, "\u00b7", max(hours)
    try:
        (bars + none).encode(encoding)
    except UnicodeEncodeError:
        bars, none = _ASCII_BARS, "."
    return "".join(bars[-(-n * len(bars) // most) - 1] if n else none for n in hours)


def _cells(event: Event) -> tuple[str, ...]:
    return (
        f"{format_utc(event.start_ns)[:19]}Z",
        _duration(event.heard_s),
        event.band,
        event.kind,
        _range(event.freq_lower_hz, event.freq_upper_hz),
        event.scale.text(event.peak_dbfs),
        f"{event.excess_db:+.1f}",
        "yes" if event.alert.is_on else event.alert.reason,
        event.alert.incident,
        event.event_id,
        "" if event.listing is None else event.listing.text,
    )


def _where(lower_hz: float | None, upper_hz: float | None) -> str:
    if lower_hz is not None and upper_hz is not None:
        return _range(lower_hz, upper_hz)
    if lower_hz is not None:
        return f"above {format_hz(lower_hz)}"
    return "every frequency" if upper_hz is None else f"below {format_hz(upper_hz)}"


def _range(lower_hz: float, upper_hz: float) -> str:
    middle_hz, width_hz = (lower_hz + upper_hz) / 2.0, upper_hz - lower_hz
    return f"{format_hz(round(width_hz, -2))} at {format_hz(round(middle_hz, -2))}"


def _duration(seconds: float) -> str:
    for unit, length_s in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length_s:
            return f"{seconds / length_s:.3g} {unit}"
    return f"{seconds:.2g} s"
