"""Histories of events that a test does not care about."""

from collections.abc import Iterable
from pathlib import Path

from edgespec.history.events import event_row
from edgespec.history.opening import history_path
from edgespec.history.past import Past
from edgespec.history.store import Store
from edgespec.records import Event
from edgespec.wire.event import EventMessage
from tests.made.event import event_of

MOST_BYTES = 100_000_000


def store_of(state_dir: Path, **options: object) -> Store:
    """Return what writes the history below a folder."""
    return Store(history_path(state_dir), MOST_BYTES, 400.0, **options)


def keep(state_dir: Path, events: Iterable[Event]) -> None:
    """Write messages of events, as an observer does that ends behind them."""
    store = store_of(state_dir)
    for event in events:
        store.keep([event_row(EventMessage(event, "pi", 0))], at_once=True)
    store.close()


def keep_events(state_dir: Path, n_events: int) -> None:
    """Write the events e0, e1, ..."""
    keep(state_dir, (event_of(event_id=f"e{number}", at_s=number) for number in range(n_events)))


def kept_ids(state_dir: Path) -> list[str]:
    """Return the ids of the events that are kept, in their order."""
    return [message.event.event_id for message in Past(state_dir).events()]
