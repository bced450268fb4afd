"""What observers told, as rows of a fleet's store and as messages of a broker."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from edgespec.fleet.hearing import Hearing
from edgespec.fleet.place import store_url
from edgespec.fleet.store import reading
from edgespec.fleet.tables import BY_NAME, Row
from edgespec.promise import Promise
from edgespec.records import ObserverState
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode
from tests.made.event import MONDAY_NS, NS, event_of

__all__ = ["NOW_NS", "event_bytes", "event_row", "kept", "state_bytes"]

#: An hour after the events of :func:`event_of`.
NOW_NS = MONDAY_NS + 3600 * NS
_STATE = ObserverState(NOW_NS, 10.0, 1, 1, 0, 0, band="lte", promise=Promise(0.5, 0.1, 1.2, 9e4, 0))


def event_bytes(node: str = "roof", sequence: int = 1, **event: object) -> bytes:
    """Return an event as its observer publishes it."""
    return encode(event_payload(EventMessage(event_of(**event), node, sequence)))


def state_bytes(node: str = "roof", **state: object) -> bytes:
    """Return a state as its observer publishes it."""
    return encode(state_payload(replace(_STATE, **state), node))


def event_row(node: str = "roof", sequence: int = 1, **event: object) -> Row:
    """Return what is written of an event."""
    topic, data = f"edgespec/{node}/events", event_bytes(node, sequence, **event)
    (row,) = Hearing("main", "edgespec").rows(topic, data, NOW_NS, is_old=False)
    return row


def kept(where: str, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return columns of all rows of a table, by the primary key."""
    of = BY_NAME[table]
    with reading(store_url(where)) as base:
        found = base.execute(select(*(of.c[name] for name in columns)).order_by(*of.primary_key))
        return [tuple(row) for row in found]
