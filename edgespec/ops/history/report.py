"""What is remembered of a band in a time: minutes, changes, events and incidents."""

from dataclasses import dataclass
from heapq import merge
from statistics import fmean
from typing import Any

import numpy as np

from edgespec.alerts.incident import Incident
from edgespec.alerts.incidents import events_folder, incidents_path, load_incidents
from edgespec.band_minute import EXCEEDED_SHARES
from edgespec.config import Config
from edgespec.errors import EdgespecError, UsageError
from edgespec.history.actions import KeptAction
from edgespec.history.events import EventFilter
from edgespec.history.heat import offset_db, unit_of
from edgespec.history.levels import KeptMinute
from edgespec.history.past import Past
from edgespec.history.states import KeptState
from edgespec.level_scale import LevelScale
from edgespec.nearest import advice
from edgespec.ops.csv_text import csv_text
from edgespec.records import Event
from edgespec.screen.table import Column, Table
from edgespec.units import format_utc
from edgespec.when import check_span

__all__ = ["BandHistory", "band_history", "nothing_kept"]

_NS = 1_000_000_000
#: Of these lengths, a row has the shortest with which there are not more rows than a screen has.
_ROWS_S = (60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 86_400.0, 7 * 86_400.0, 28 * 86_400.0)
_MOST_ROWS = 30
_COLUMNS = (
    Column("from (UTC)"),
    *(Column(name, True) for name in ("level", "highest", "floor", "occupied", "heard", "events")),
)
_MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class BandHistory:
    """A band from ``since_ns`` to ``until_ns``; everything in the order in which it was kept."""

    band: str
    since_ns: int
    until_ns: int
    minutes: list[KeptMinute]
    states: list[KeptState]
    actions: list[KeptAction]
    events: list[Event]
    incidents: tuple[Incident, ...]

    @property
    def unit(self) -> str:
        """Of all levels: dBFS, where the minutes do not agree in what they mean."""
        return unit_of(self.minutes)

    def offset_db(self, scale: LevelScale) -> float:
        """Return what is added to a level of a minute for it to have that unit."""
        return offset_db(scale, self.unit)

    @property
    def age(self) -> str:
        """How old the last calibration was, for people; '' without one."""
        if not self.minutes:
            return ""
        last = self.minutes[-1]
        return last.scale.age_text(last.minute.utc_ns)

    def as_json(self, *, has_traces: bool) -> list[dict[str, Any]]:
        """Return an object a minute, a change and an action.

        Their schemas are ``edgespec.minute/1``, ``edgespec.change/1`` and ``edgespec.action/1``.
        """
        minutes = [self._minute_payload(one, has_traces=has_traces) for one in self.minutes]
        changes = [_change_payload(one) for one in self.states]
        return [*minutes, *changes, *(_action_payload(one) for one in self.actions)]

    def as_csv(self) -> str:
        """Return a row a minute, with the fields of ``edgespec.minute/1``, one level each."""
        rows = [self._minute_payload(one, has_traces=False) for one in self.minutes]
        for row in rows:
            exceeded = row.pop("exceeded")
            row |= {f"exceeded_{share:g}": exceeded.get(f"{share:g}") for share in EXCEEDED_SHARES}
        return csv_text(rows)

    def as_text(self, width: int | None = None) -> list[str]:
        """Return a row for each stretch of time, the changes of states, and what is to be known."""
        lines = [self._heading()]
        if self.minutes:
            lines += Table(_COLUMNS, self._rows(), width).lines()
            lines += self._exceeded_lines()
        told = [_change_line(one) for one in self.states]
        asked = [_action_line(one) for one in self.actions]
        # They begin with the time; each keeps its order, whatever UTC did.
        changes = list(merge(told, asked, key=lambda line: line[:20]))
        n_left = len(changes) - _MOST_CHANGES
        if n_left > 0:
            lines.append(f"... {_count(n_left, 'change')} before: --json has all")
        lines += changes[-_MOST_CHANGES:]
        return lines + [self.age] * bool(self.age)

    def _heading(self) -> str:
        span = f"{_short(self.since_ns)} to {_short(self.until_ns)}"
        said = f"{_count(len(self.minutes), 'minute')}, {_count(len(self.events), 'event')}"
        return f"{self.band}, {span}: {said}; levels in {self.unit}"

    def _rows(self) -> list[tuple[str, ...]]:
        first_ns = min(one.minute.utc_ns for one in self.minutes)
        last_ns = max(one.minute.utc_ns for one in self.minutes)
        length_ns = round(_NS * next(
            (row_s for row_s in _ROWS_S if (last_ns - first_ns) / _NS < _MOST_ROWS * row_s),
            _ROWS_S[-1],
        ))  # fmt: skip
        parts: dict[int, list[KeptMinute]] = {}
        for one in self.minutes:
            parts.setdefault(one.minute.utc_ns // length_ns, []).append(one)
        began = [event.start_ns // length_ns for event in self.events]
        return [
            self._row(number * length_ns, length_ns, parts[number], began.count(number))
            for number in sorted(parts)
        ]

    def _row(
        self, start_ns: int, length_ns: int, part: list[KeptMinute], n_events: int
    ) -> tuple[str, ...]:
        offsets = [self.offset_db(one.scale) for one in part]
        levels = [one.minute.level_dbfs + x for one, x in zip(part, offsets, strict=True)]
        highest = [
            float(one.minute.max_dbfs.max()) + x for one, x in zip(part, offsets, strict=True)
        ]
        floors = [one.minute.floor_dbfs + x for one, x in zip(part, offsets, strict=True)]
        power = fmean(10.0 ** (level / 10.0) for level in levels)
        heard = sum(one.minute.duration_s for one in part) * _NS / length_ns
        return (
            _short(start_ns),
            f"{10.0 * np.log10(power):.1f}",
            f"{max(highest):.1f}",
            f"{fmean(floors):.1f}",
            f"{fmean(one.minute.occupied for one in part):.1%}",
            f"{min(heard, 1.0):.0%}",
            str(n_events or ""),
        )

    def _exceeded_lines(self) -> list[str]:
        """Return the amplitude distribution: of each share of the frames the median minute."""
        levels = [
            one.minute.exceeded_dbfs + self.offset_db(one.scale)
            for one in self.minutes
            if len(one.minute.exceeded_dbfs)
        ]
        if not levels:
            return []
        medians = zip(EXCEEDED_SHARES, np.median(levels, axis=0), strict=True)
        said = ", ".join(f"{share:g} {level:.1f}" for share, level in medians)
        return [f"power of the band that this share of the frames exceeded: {said}"]

    def _minute_payload(self, one: KeptMinute, *, has_traces: bool) -> dict[str, Any]:
        minute, scale, added_db = one.minute, one.scale, self.offset_db(one.scale)
        payload: dict[str, Any] = {
            "schema": "edgespec.minute/1",
            "band": minute.band,
            "start": format_utc(minute.utc_ns),
            "duration_s": minute.duration_s,
            "clock": one.clock,
            "n_means": minute.n_means,
            "first_freq_hz": float(minute.freqs_hz[0]),
            "last_freq_hz": float(minute.freqs_hz[-1]),
            "rbw_hz": minute.rbw_hz,
            "level": minute.level_dbfs + added_db,
            "highest": float(minute.max_dbfs.max()) + added_db,
            "floor": minute.floor_dbfs + added_db,
            "level_unit": self.unit,
            "occupied": round(minute.occupied, 5),
            "calibration_age_days": scale.age_days(minute.utc_ns),
        }
        payload["exceeded"] = {
            f"{share:g}": round(float(level_dbfs) + added_db, 2)
            for share, level_dbfs in zip(EXCEEDED_SHARES, minute.exceeded_dbfs, strict=False)
        }
        if has_traces:
            payload["freqs_hz"] = minute.freqs_hz.tolist()
            for name in ("max", "mean", "median"):
                levels = getattr(minute, f"{name}_dbfs").astype(float) + added_db
                payload[name] = np.round(levels, 2).tolist()
            payload["occupancy"] = np.round(minute.occupancy.astype(float), 3).tolist()
        return payload


def band_history(config: Config, band: str | None, since_ns: int, until_ns: int) -> BandHistory:
    """Return what the observer of a configuration remembers of one of its bands, or of the first.

    Raises:
        UsageError: the time is none, or nothing is known of such a band.
        EdgespecError: the history cannot be read.
    """
    check_span(since_ns, until_ns)
    past = Past(config.node.state_dir)
    name = config.band[0].id if band is None else band
    known = [*dict.fromkeys((*(one.id for one in config.band), *past.bands()))]
    if name not in known:
        raise UsageError(f"--band is {name!r:.80}: {advice(name, known)}")
    events = past.events(EventFilter((name,), since_ns=since_ns, until_ns=until_ns))
    incidents = load_incidents(incidents_path(events_folder(config.node.state_dir)))
    return BandHistory(
        name,
        since_ns,
        until_ns,
        past.minutes(name, since_ns, until_ns),
        past.states(name, since_ns, until_ns),
        past.actions(since_ns, until_ns),
        [message.event for message in events],
        tuple(one for one in incidents if one.band == name),
    )


def nothing_kept(found: BandHistory, config: Config) -> EdgespecError:
    """Return what to say where there is nothing to draw."""
    return EdgespecError(
        f"no minute of the band {found.band!r} from {_short(found.since_ns)} to "
        f"{_short(found.until_ns)} is remembered in {config.node.state_dir}: does an observer of a "
        "radio run with this configuration, and history.levels? It writes every ten minutes"
    )


def _change_line(one: KeptState) -> str:
    told = one.condition
    if "run" in told:
        words = f"the observer {'ended' if told['run'] == 'ended' else 'began'}"
    else:
        parts = [
            str(told.get("phase", "")) + (f" ({told['why']})" if told.get("why") else ""),
            ", ".join(map(str, told.get("troubles") or ())),
            f"cell {told['cell']}" if told.get("cell") is not None else "",
            f"not trusted: {told['distrust']}" if told.get("distrust") else "",
            "broker unreachable" if told.get("mqtt_connected") is False else "",
        ]
        words = ", ".join(part for part in parts if part)
    doubt = "" if one.clock == "synchronised" else f"  (clock {one.clock})"
    return f"{format_utc(one.at_ns)[:19]}Z  {words}{doubt}"


def _change_payload(one: KeptState) -> dict[str, Any]:
    return {
        "schema": "edgespec.change/1",
        "band": one.band,
        "time": format_utc(one.at_ns),
        "clock": one.clock,
        **one.condition,
    }


def _action_line(one: KeptAction) -> str:
    about = ", ".join(
        f"{name} {value}"
        for name, value in one.request.items()
        if name not in ("command", "transaction")
    )
    return f"{format_utc(one.at_ns)[:19]}Z  asked: {one.command} {about}".rstrip()


def _action_payload(one: KeptAction) -> dict[str, Any]:
    return {
        "schema": "edgespec.action/1",
        "time": format_utc(one.at_ns),
        "clock": one.clock,
        "command": one.command,
        "request": one.request,
        "answer": one.answer,
    }


def _short(utc_ns: int) -> str:
    return format_utc(utc_ns)[:16].replace("T", " ")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
