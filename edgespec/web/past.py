"""What a page shows of the past, as objects of JSON: events, pictures, incidents, levels.

It is read where the command line reads it. All of this takes a while, and is for a thread beside
the server.
"""

import json
import time
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from edgespec.alerts.decisions import DecisionsFile
from edgespec.alerts.incident_payload import incident_payload
from edgespec.alerts.incidents import events_folder, incidents_path, load_incidents
from edgespec.errors import UsageError
from edgespec.evidence.picture_index import PictureIndex
from edgespec.history.events import EventFilter
from edgespec.history.heat import heat_map, unit_of
from edgespec.history.past import Past
from edgespec.units import format_utc
from edgespec.wire.event import event_payload
from edgespec.wire.text import encode

__all__ = ["MOST_HOURS", "PastOfPage", "parse_time"]

_NS = 1_000_000_000
_HOUR_NS, _DAY_NS = 3600 * _NS, 86_400 * _NS
#: Later times have no number of ns in 64 bits.
_END_NS = 1 << 63
_MOST_SLOTS, _MOST_BINS = 360, 256
_MOST_EVENTS, MOST_HOURS = 200, 24 * 31
#: Events that this run has told, and that the history does not have yet, or never has.
_MOST_TOLD = 256
#: A heat map is the same for so long: the history is written every ten minutes.
_HEAT_S = 60.0
_MOST_HEAT = 8


class PastOfPage:
    """Reads what an observer has kept; its methods may be called from any thread.

    Args:
        state_dir: of the observer.
    """

    def __init__(self, state_dir: Path) -> None:
        self._past = Past(state_dir)
        self._folder = events_folder(state_dir)
        self._decisions = DecisionsFile(self._folder)
        self._index = PictureIndex(state_dir / "evidence")
        self._pictures: dict[str, Path] = {}
        self._told: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._heat: OrderedDict[tuple[str, float], tuple[float, dict[str, Any]]] = OrderedDict()
        self._lock = Lock()

    def hear(self, payload: dict[str, Any]) -> None:
        """Take a message of an event, as it travels."""
        with self._lock:
            self._told[payload["id"]] = payload
            self._told.move_to_end(payload["id"])
            if len(self._told) > _MOST_TOLD:
                self._told.popitem(last=False)

    def events(self, band: str | None, before_ns: int | None, limit: int) -> list[dict[str, Any]]:
        """Return events, the newest first, each as it was last told."""
        limit = min(max(limit, 1), _MOST_EVENTS)
        wanted = EventFilter(() if band is None else (band,), until_ns=before_ns, last=limit)
        kept = (_plain(event_payload(message)) for message in self._past.events(wanted))
        with self._lock:
            found = {one["id"]: one for one in kept}
            for one in self._told.values():
                is_before = before_ns is None or parse_time("start", one["start"]) < before_ns
                if is_before and band in (None, one["band"]):
                    found[one["id"]] = one
            self._pictures = self._index.refresh()
            newest = sorted(found.values(), key=lambda one: str(one["start"]))[-limit:]
            return [self._shown(one) for one in reversed(newest)]

    def shown(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return an event that was told just now, with what is known beside it."""
        with self._lock:
            return self._shown(payload)

    def picture(self, event_id: str) -> Path | None:
        """Return the picture of an event, if there is one."""
        with self._lock:
            if event_id not in self._pictures:
                self._pictures = self._index.refresh()
            path = self._pictures.get(event_id)
            return path if path is not None and path.is_file() else None

    def incidents(self, band: str | None, days: float | None) -> list[dict[str, Any]]:
        """Return incidents, last seen first."""
        since_ns = 0 if days is None else time.time_ns() - round(days * _DAY_NS)
        found = load_incidents(incidents_path(self._folder))
        return [
            _plain(incident_payload(one))
            for one in reversed(found)
            if one.last_ns >= since_ns and band in (None, one.band)
        ]

    def heat(self, band: str, hours: float) -> dict[str, Any]:
        """Return the largest levels of each minute, at most 360 rows of 256 bins."""
        now_s, key = time.monotonic(), (band, hours)
        with self._lock:
            made = self._heat.get(key)
        if made is not None and now_s - made[0] < _HEAT_S:
            return made[1]
        found = self._heat_of(band, hours)
        with self._lock:
            self._heat[key] = now_s, found
            if len(self._heat) > _MOST_HEAT:
                self._heat.popitem(last=False)
        return found

    def _heat_of(self, band: str, hours: float) -> dict[str, Any]:
        until_ns = time.time_ns()
        minutes = self._past.minutes(band, until_ns - round(hours * _HOUR_NS), until_ns)
        if not minutes:
            return {"band": band, "unit": "dBFS", "slot_s": 60.0, "utc": [], "freqs_hz": [],
                    "level_db": []}  # fmt: skip
        unit = unit_of(minutes)
        map_ = heat_map(minutes, unit, "max", _MOST_SLOTS)
        starts = np.unique(np.linspace(0, len(map_.freqs_hz), _MOST_BINS + 1)[:-1].astype(np.intp))
        # NaN loses against any level; of a column without one it stays.
        level_db = np.fmax.reduceat(map_.values, starts, axis=1)
        counts = np.diff(np.append(starts, len(map_.freqs_hz)))
        freqs_hz = np.add.reduceat(map_.freqs_hz, starts) / counts
        slot_ns = round(map_.slot_s * _NS)
        return {
            "band": band,
            "unit": unit,
            "slot_s": map_.slot_s,
            "utc": [format_utc(map_.start_ns + k * slot_ns) for k in range(len(level_db))],
            "freqs_hz": freqs_hz.tolist(),
            "level_db": [
                [round(one, 1) if one == one else None for one in row] for row in level_db.tolist()
            ],
        }

    def _shown(self, payload: dict[str, Any]) -> dict[str, Any]:
        event_id = payload["id"]
        has_picture = event_id in self._pictures
        return {
            **payload,
            "picture": f"/api/events/{event_id}/picture" if has_picture else None,
            "acknowledged": event_id in self._decisions.read().acknowledged,
        }


def _plain(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what a message looks like behind its way: without a NaN that no browser reads."""
    found: dict[str, Any] = json.loads(encode(payload))
    return found


def parse_time(name: str, text: str) -> int:
    """Return a time of RFC 3339 in nanoseconds since 1970.

    Raises:
        UsageError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{name} is {text[:60]!r}; write a time as in 2026-11-29T12:00:00Z"
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    time_ns = round(found.timestamp() * 1_000_000) * 1000
    if not 0 <= time_ns < _END_NS:
        raise UsageError(f"{name} is {text[:60]!r}; it must lie between 1970 and 2262")
    return time_ns
