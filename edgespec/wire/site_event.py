"""One message of the life of a site's event, as its central unit says it."""

from dataclasses import dataclass
from typing import Any

from edgespec.records import EventType
from edgespec.units import format_utc
from edgespec.wire.fields import Fields
from edgespec.wire.position import Position, located_payload, parse_located
from edgespec.wire.text import decode

__all__ = [
    "SITE_EVENT_SCHEMA",
    "SiteEvent",
    "parse_site_event",
    "read_site_event",
    "site_event_payload",
]

SITE_EVENT_SCHEMA = "edgespec.site-event/1"


@dataclass(frozen=True, slots=True)
class SiteEvent:
    """Something else is on the site's band, as its units together see it.

    Position, power, frequencies, kind and advice are those of the strongest snapshot so far, by
    how far its score lies above the threshold; ``n_alarms`` of ``n_snapshots`` alarmed since
    ``start_ns``.
    """

    event_id: str
    event_type: EventType
    site: str
    band: str
    start_ns: int
    end_ns: int
    detector: str
    score: float
    threshold: float
    n_alarms: int
    n_snapshots: int
    n_units: int
    kind: str = ""
    advice: str = ""
    freq_lower_hz: float | None = None
    freq_upper_hz: float | None = None
    source: Position | None = None
    power_dbm: float | None = None


def site_event_payload(
    event: SiteEvent, central: str, sequence: int, *, replayed: bool = False
) -> dict[str, Any]:
    """Return the object of schema ``edgespec.site-event/1``."""
    return {
        "schema": SITE_EVENT_SCHEMA,
        "event_type": event.event_type.value,
        "id": event.event_id,
        "sequence": int(sequence),
        "replayed": replayed,
        "site": event.site,
        "band": event.band,
        "central": central,
        "start": format_utc(event.start_ns),
        "end": format_utc(event.end_ns),
        **located_payload(event),
        "kind": event.kind,
        "advice": event.advice,
        "detector": event.detector,
        "score": float(event.score),
        "threshold": float(event.threshold),
        "n_alarms": int(event.n_alarms),
        "n_snapshots": int(event.n_snapshots),
        "n_units": int(event.n_units),
    }


def parse_site_event(data: bytes | str) -> SiteEvent:
    """Return the event written as :func:`site_event_payload`.

    Raises:
        PayloadError: it is not an event of a site.
    """
    return read_site_event(decode(data))


def read_site_event(payload: dict[str, Any]) -> SiteEvent:
    """Return the event of a decoded payload, alone or within another.

    Raises:
        PayloadError: as :func:`parse_site_event`.
    """
    fields = Fields.of(payload, SITE_EVENT_SCHEMA)
    return SiteEvent(
        event_id=fields.text("id"),
        event_type=fields.choice("event_type", EventType),
        site=fields.text("site"),
        band=fields.text("band"),
        start_ns=fields.utc_ns("start"),
        end_ns=fields.utc_ns("end"),
        detector=fields.text("detector"),
        score=fields.number("score"),
        threshold=fields.number("threshold"),
        n_alarms=fields.integer("n_alarms"),
        n_snapshots=fields.integer("n_snapshots"),
        n_units=fields.integer("n_units"),
        kind=fields.text("kind"),
        advice=fields.text("advice"),
        **parse_located(fields),
    )
