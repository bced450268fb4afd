"""What one central unit leaves to the next."""

import json
from dataclasses import dataclass

from edgespec.units import format_utc
from edgespec.wire.fields import Fields
from edgespec.wire.site_event import SiteEvent, read_site_event, site_event_payload
from edgespec.wire.text import PayloadError, decode, encode

__all__ = ["HANDOVER_SCHEMA", "SavedSite", "parse_saved", "saved_payload"]

HANDOVER_SCHEMA = "edgespec.twin-handover/1"


@dataclass(frozen=True, slots=True)
class SavedSite:
    """What one central unit leaves to the next: learnt state, open event, last numbers used.

    ``twin`` is what :meth:`edgespec.twin.state.TwinState.to_bytes` wrote.
    """

    site: str
    central: str
    utc_ns: int
    sequence: int
    event: SiteEvent | None
    twin: bytes


def saved_payload(saved: SavedSite) -> bytes:
    """Return a message of schema ``edgespec.twin-handover/1``."""
    event = saved.event
    head = encode(
        {
            "schema": HANDOVER_SCHEMA,
            "site": saved.site,
            "central": saved.central,
            "time": format_utc(saved.utc_ns),
            "sequence": saved.sequence,
            "event": event and site_event_payload(event, saved.central, saved.sequence),
        }
    )
    # The state is JSON already, and much longer than the rest.
    return head[:-1] + b',"twin":' + saved.twin + b"}"


def parse_saved(data: bytes | str) -> SavedSite:
    """Return what :func:`saved_payload` wrote.

    Raises:
        PayloadError: it is not such a message.
    """
    payload = decode(data)
    fields = Fields.of(payload, HANDOVER_SCHEMA)
    twin, event = payload.get("twin"), payload.get("event")
    if not isinstance(twin, dict | None) or not isinstance(event, dict | None):
        raise PayloadError(f"{HANDOVER_SCHEMA}: event and twin must be objects or null")
    return SavedSite(
        site=fields.text("site"),
        central=fields.text("central"),
        utc_ns=fields.utc_ns("time"),
        sequence=fields.integer("sequence"),
        event=read_site_event(event) if event is not None else None,
        twin=json.dumps(twin).encode() if twin is not None else b"",
    )
