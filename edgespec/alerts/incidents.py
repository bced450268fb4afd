"""Which events are the same thing again: a bounded table of incidents, kept over a restart."""

import json
import logging
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edgespec.alerts.incident import Incident
from edgespec.decode import Decoder
from edgespec.decode.text import read_bounded
from edgespec.errors import EdgespecError
from edgespec.records import Event, EventType
from edgespec.set_aside import set_aside

__all__ = ["IncidentTable", "events_folder", "incidents_path", "load_incidents"]

_LOG = logging.getLogger(__name__)
_SCHEMA = "edgespec.incidents/1"
MOST_INCIDENTS = 256
_MOST_OPEN = 1024
_MAX_BYTES = 1_000_000
_ADVICE = "incidents are counted from now on"


@dataclass(frozen=True, slots=True)
class _File:
    incidents: tuple[Incident, ...]


class IncidentTable:
    """Gives every event the incident that it is one of. Not thread-safe.

    When it is full, who came only once and longest ago is forgotten first, then who was seen
    longest ago.

    Args:
        slacks_hz: for each band, how exactly the edges of its events are known.
        incidents: those of the last run, last seen last.
    """

    def __init__(
        self, slacks_hz: Mapping[str, float], incidents: tuple[Incident, ...] = ()
    ) -> None:
        self._slacks_hz = slacks_hz
        # What was open then is over.
        kept = (replace(one, open_id="") for one in incidents[-MOST_INCIDENTS:])
        self._table = OrderedDict((one.id, one) for one in kept)
        self._open: OrderedDict[str, str] = OrderedDict()
        #: Grows with whatever is worth keeping: a new incident, an event that begins or ends.
        self.n_changes = 0
        self.n_found = 0

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Incident]:
        """Yield all, last seen last."""
        return iter(tuple(self._table.values()))

    def take(self, event: Event) -> str:
        """Return the id of an event's incident, the same for all of its messages; '' for none.

        What has no name yet is one of none: its kind is a part of what it is.
        """
        if not event.is_named:
            return ""
        if not all(map(math.isfinite, (event.freq_lower_hz, event.freq_upper_hz))):
            return ""
        incident = self._table.get(self._open.get(event.event_id, ""))
        if incident is None:
            incident = (self._find(event) or self._begin(event)).begun(event)
            self._open[event.event_id] = incident.id
            self.n_changes += 1
        incident = incident.heard(event)
        if event.event_type is EventType.END:
            incident = incident.ended(event)
            self._open.pop(event.event_id, None)
            self.n_changes += 1
        self._table[incident.id] = incident
        self._table.move_to_end(incident.id)
        self._forget()
        return incident.id

    def content(self) -> bytes:
        """Return what :func:`load_incidents` reads."""
        incidents = [asdict(one) for one in self._table.values()]
        return json.dumps({"schema": _SCHEMA, "incidents": incidents}, indent=0).encode()

    def _find(self, event: Event) -> Incident | None:
        here = (one for one in self._table.values() if one.is_place_of(event))
        return min(here, key=lambda one: one.distance_hz(event), default=None)

    def _begin(self, event: Event) -> Incident:
        self.n_found += 1
        return Incident.of(event, self._slacks_hz.get(event.band, 0.0))

    def _forget(self) -> None:
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        if len(self._table) > MOST_INCIDENTS:
            once = (one.id for one in self._table.values() if one.n_events == 1)
            del self._table[next(once, next(iter(self._table)))]


def events_folder(state_dir: Path) -> Path:
    """Return the folder of what an observer keeps of incidents, and of what people said."""
    return state_dir / "events"


def incidents_path(folder: Path) -> Path:
    """Return the file of the incidents in the folder of an observer's events."""
    return folder / "incidents.json"


def load_incidents(path: Path, *, sets_aside: bool = False) -> tuple[Incident, ...]:
    """Return what was kept, last seen last; nothing where there is no file or none of ours.

    Who is about to write a new one ``sets_aside`` one that cannot be read: it gets another name.
    """
    if not path.exists():
        return ()
    try:
        content = read_bounded(path, EdgespecError, _ADVICE, _MAX_BYTES)
        return Decoder(EdgespecError).from_json(_File, content, _SCHEMA, str(path)).incidents
    except EdgespecError as error:
        _LOG.warning("%s: %s", error, _ADVICE)
        with suppress(OSError):
            if sets_aside:
                _LOG.warning("what was counted before is kept in %s", set_aside(path, _SCHEMA))
        return ()
