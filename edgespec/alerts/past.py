"""What an observer keeps of the past, for whoever looks at it from outside."""

from pathlib import Path

from edgespec.alerts.history import History
from edgespec.alerts.incident import Incident
from edgespec.alerts.incidents import incidents_path, load_incidents
from edgespec.wire.event import EventMessage

__all__ = ["events_folder", "past_events", "past_incidents"]


def events_folder(state_dir: Path) -> Path:
    """Return the folder of all that an observer keeps of events."""
    return state_dir / "events"


def past_events(state_dir: Path) -> list[EventMessage]:
    """Return the last message of every event that is kept, in the order in which they began."""
    found: dict[str, EventMessage] = {}
    for message in History(events_folder(state_dir), 0).messages():
        found[message.event.event_id] = message
    return list(found.values())


def past_incidents(state_dir: Path) -> tuple[Incident, ...]:
    """Return the incidents that are kept, last seen last."""
    return load_incidents(incidents_path(events_folder(state_dir)))
