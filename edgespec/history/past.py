"""The history for whoever looks at it from outside, while its observer writes it or not."""

from dataclasses import dataclass
from pathlib import Path

from edgespec.history.actions import KeptAction, actions
from edgespec.history.events import EVERYTHING, EventFilter, last_message, messages
from edgespec.history.levels import KeptMinute, last_minute_ns, minutes
from edgespec.history.opening import history_path, reading
from edgespec.history.states import KeptState, states
from edgespec.wire.event import EventMessage

__all__ = ["Past"]


@dataclass(frozen=True, slots=True)
class Past:
    """What an observer has kept below a folder; nothing where it has kept nothing.

    Everything raises :class:`~edgespec.errors.EdgespecError` where the file cannot be read.

    Args:
        state_dir: of the observer.
    """

    state_dir: Path

    @property
    def path(self) -> Path:
        """The file."""
        return history_path(self.state_dir)

    def events(self, wanted: EventFilter = EVERYTHING) -> list[EventMessage]:
        """Return the last message of each event that is wanted, in the order of their begin."""
        with reading(self.path) as base:
            return [] if base is None else messages(base, wanted)

    def bands(self) -> list[str]:
        """Return the bands of which there is a minute or an event."""
        with reading(self.path) as base:
            if base is None:
                return []
            found = base.execute("SELECT band FROM levels UNION SELECT band FROM events")
            return [str(band) for (band,) in found]

    def minutes(
        self, band: str | None = None, since_ns: int | None = None, until_ns: int | None = None
    ) -> list[KeptMinute]:
        """Return the minutes of a band, or of all, in the order in which they were kept."""
        with reading(self.path) as base:
            return [] if base is None else list(minutes(base, band, since_ns, until_ns))

    def last_minute_ns(self, band: str) -> int | None:
        """Return when the last minute of a band began that was kept; None where there is none."""
        with reading(self.path) as base:
            return None if base is None else last_minute_ns(base, band)

    def states(
        self, band: str | None = None, since_ns: int | None = None, until_ns: int | None = None
    ) -> list[KeptState]:
        """Return what changed of a band, or of all, in its order."""
        with reading(self.path) as base:
            return [] if base is None else list(states(base, band, since_ns, until_ns))

    def actions(self, since_ns: int | None = None, until_ns: int | None = None) -> list[KeptAction]:
        """Return what people asked for and was done, in its order."""
        with reading(self.path) as base:
            return [] if base is None else list(actions(base, since_ns, until_ns))

    def last_of(self, name: str) -> EventMessage | None:
        """Return the last message of an event, or of an incident; None where none is kept."""
        if not name or not name.isprintable():
            return None
        with reading(self.path) as base:
            return None if base is None else last_message(base, name)
