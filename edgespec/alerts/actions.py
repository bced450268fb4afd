"""What people ask for, done: acknowledge, mute, call normal, undo."""

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edgespec.alerts.decisions import Decisions, DecisionsFile
from edgespec.alerts.family import STEADY
from edgespec.alerts.incident import Incident
from edgespec.alerts.incidents import events_folder, incidents_path, load_incidents
from edgespec.alerts.mute import Mute
from edgespec.alerts.normal import Normal, normal_of
from edgespec.config import Config
from edgespec.errors import UsageError
from edgespec.history.actions import note_action
from edgespec.history.past import Past
from edgespec.kinds import ADVICE
from edgespec.nearest import advice
from edgespec.records import EventType
from edgespec.units import format_utc
from edgespec.wire.event import EventMessage
from edgespec.wire.request import Request

__all__ = ["Actions"]

_NS = 1_000_000_000
#: A mute without a duration ends after a day.
_DAY_S = 86400.0


class Actions:
    """Carries out requests on what an observer keeps, whether it runs or not.

    Args:
        state_dir: of the observer.
        bands: ids of the bands of the observer.
        utc_ns: UTC.
    """

    def __init__(
        self, state_dir: Path, bands: Collection[str], utc_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._folder = events_folder(state_dir)
        self._bands = bands
        self._utc_ns = utc_ns
        self._file = DecisionsFile(self._folder)
        self._past = Past(state_dir)

    @classmethod
    def of(cls, config: Config) -> "Actions":
        """Return those of the observer with this configuration, on this host."""
        return cls(config.node.state_dir, [band.id for band in config.band])

    def do(self, request: Request) -> dict[str, Any]:
        """Do what is asked and return what there is to say.

        Raises:
            UsageError: it cannot be done as it is asked.
            OSError: it cannot be written.
        """
        doers = {
            "ack": self._acknowledge,
            "mute": self._mute,
            "normal": self._learn,
            "undo": self._undo,
            "silenced": self._list,
        }
        now_ns = self._utc_ns()
        answer = doers[request.command](request, now_ns)
        if request.command != "silenced":
            asked = {name: one for name, one in asdict(request).items() if one not in (None, "")}
            note_action(self._past.path, now_ns, request.command, asked, answer)
        return answer

    def teachable(self, band: str | None = None) -> list[str]:
        """Return the incidents that can be called normal, those that came most often first.

        Args:
            band: of these alone.

        Raises:
            UsageError: there is no such band.
        """
        told = load_incidents(incidents_path(self._folder))
        known = dict.fromkeys([*self._bands, *(one.band for one in told)])
        if band is not None and band not in known:
            raise UsageError(f"{band!r} is not there: {advice(band, known)}")
        found = [one for one in told if band in (None, one.band) and not one.levelless]
        return [one.id for one in sorted(found, key=lambda one: -one.n_events)]

    def _acknowledge(self, request: Request, now_ns: int) -> dict[str, Any]:
        message = self._past.last_of(request.id) if request.id else None
        if message is None or message.event.event_id != request.id:
            raise self._unknown(request.id, "event")
        if message.event.event_type is EventType.END:
            raise UsageError(f"the event {request.id} is over: there is nothing to acknowledge")
        self._file.change(lambda found: (found.acknowledge(request.id), None), now_ns)
        return {"acknowledged": request.id}

    def _mute(self, request: Request, now_ns: int) -> dict[str, Any]:
        until_ns = now_ns + round((request.duration_s or _DAY_S) * _NS)
        mute = Mute(_name("mute"), now_ns, until_ns, request.band, request.kind,
                    request.lower_hz, request.upper_hz)  # fmt: skip
        if request.id:
            like = self._incident(request.id)
            if request.band not in (None, like.band) or {mute.lower_hz, mute.upper_hz} != {None}:
                raise UsageError(
                    f"{request.id!r} has its own band, {like.band!r}, and frequencies: name it "
                    "alone, or a band and frequencies without it"
                )
            mute = replace(
                mute,
                band=like.band,
                kind=request.kind or _only_kind(like),
                lower_hz=like.least_hz - like.slack_hz,
                upper_hz=like.most_hz + like.slack_hz,
            )
        elif {mute.band, mute.kind, mute.lower_hz, mute.upper_hz} == {None}:
            raise UsageError(
                "a mute of everything is none: name an id, a band, a kind or frequencies"
            )
        for name, known in ((request.band, self._bands), (request.kind, ADVICE)):
            if name is not None and name not in known:
                raise UsageError(f"{name!r} is not there: {advice(name, known)}")
        self._file.change(lambda found: (found.mute(mute), None), now_ns)
        return _mute_payload(mute)

    def _learn(self, request: Request, now_ns: int) -> dict[str, Any]:
        incident = self._incident(request.id)
        if incident.levelless:
            raise UsageError(
                f"{' and '.join(incident.levelless)} cannot be normal: nothing tells how strong "
                "its cause is; mute it for a while"
            )
        duration_s = request.duration_s
        until_ns = None if duration_s is None else now_ns + round(duration_s * _NS)
        normal = normal_of(incident, _name("normal"), now_ns, until_ns)
        self._file.change(lambda found: (found.learn(normal), None), now_ns)
        return _normal_payload(normal)

    def _undo(self, request: Request, now_ns: int) -> dict[str, Any]:
        def undo(found: Decisions) -> tuple[Decisions, str]:
            made = [(mute.made_ns, mute.id) for mute in found.mutes]
            made += [(normal.made_ns, normal.id) for normal in found.normals]
            names = [name for _, name in sorted(made)]
            if not names:
                raise UsageError("nothing is muted or normal here: there is nothing to undo")
            name = request.id or names[-1]
            if name not in names:
                raise UsageError(f"{name!r} is not in force: {advice(name, names)}")
            return found.without(name), name

        return {"undone": self._file.change(undo, now_ns)}

    def _list(self, request: Request, now_ns: int) -> dict[str, Any]:
        found = self._file.read().current(now_ns)
        return {
            "mutes": [_mute_payload(mute) for mute in found.mutes],
            "normals": [_normal_payload(normal) for normal in found.normals],
        }

    def _incident(self, name: str) -> Incident:
        """Return an incident by its id or that of one of its events.

        Its file may be a minute old; the last message of it that the history has is not.
        """
        asked = self._past.last_of(name) if name else None
        wanted = name if asked is None else asked.event.alert.incident
        last = self._past.last_of(wanted) if wanted else None
        for incident in load_incidents(incidents_path(self._folder)):
            if incident.id == wanted:
                for message in (asked, last):
                    if message is not None:
                        incident = incident.heard(message.event)
                return replace(incident, open_id=_open_id(last))
        if asked is not None and wanted:
            raise UsageError(
                f"what the event {name} is one of is not written yet: ask again in a few seconds"
            )
        raise self._unknown(name, "event and no incident")

    def _unknown(self, name: str, what: str) -> UsageError:
        if not self._past.path.exists():
            return UsageError(
                f"no {what} {name!r} is known: no history is kept here, so nobody can answer an "
                "event. Sources that are not live (recordings, simulations without realtime=1 or "
                "with patient=1) have none, nor has history.max_bytes = 0"
            )
        return UsageError(
            f"no {what} {name!r} is known: `edgespec events list` and `edgespec incidents` name all"
        )


def _only_kind(incident: Incident) -> str | None:
    """Return the kind of an incident; None where its next event may be called another."""
    (kind, *others) = incident.kinds
    return None if others or kind in STEADY else kind


def _open_id(last: EventMessage | None) -> str:
    """Return the event that goes on by its last message, '' where it is over."""
    if last is None or last.event.event_type is EventType.END:
        return ""
    return last.event.event_id


def _name(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:8]}"


def _mute_payload(mute: Mute) -> dict[str, Any]:
    return {
        "id": mute.id,
        "until": format_utc(mute.until_ns),
        "band": mute.band,
        "kind": mute.kind,
        "core:freq_lower_edge": mute.lower_hz,
        "core:freq_upper_edge": mute.upper_hz,
    }


def _normal_payload(normal: Normal) -> dict[str, Any]:
    return {
        "id": normal.id,
        "until": None if normal.until_ns is None else format_utc(normal.until_ns),
        "incident": normal.incident,
        "band": normal.band,
        "kinds": list(normal.kinds),
        "core:freq_lower_edge": normal.lower_hz,
        "core:freq_upper_edge": normal.upper_hz,
        "peak_dbfs": normal.peak_dbfs,
        "excess_db": normal.excess_db,
        "duration_s": normal.duration_s,
        "n_events": normal.n_events,
    }
