"""How all observers of a store are: who is silent, and who tells more than it promised."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scipy.special import gammainc
from sqlalchemy import Connection, distinct, func, select

from edgespec.alerts.decisions import NORMAL
from edgespec.fleet.silence import OFFLINE, silent_words
from edgespec.fleet.tables import BANDS, EVENTS, OBSERVERS, PLACES, REFUSALS, SITES, STATES
from edgespec.kinds import (
    DEAF,
    DROPPED,
    MODEL_TAKEN_BACK,
    OVERLOAD,
    RECEIVER,
    TEST,
    THROTTLED,
    UNDERVOLTAGE,
)
from edgespec.screen.table import Column, Table
from edgespec.units import counted, format_duration, format_utc

__all__ = ["BandView", "Overview", "Sight", "look", "overview_lines", "overview_payloads"]

_NS, _HOUR_NS, _DAY_H = 1_000_000_000, 3_600_000_000_000, 24.0
#: Of these kinds, none is a false event of a detector: they are about the observer itself.
_OF_ITSELF = (TEST, DEAF, MODEL_TAKEN_BACK, OVERLOAD, RECEIVER, DROPPED, UNDERVOLTAGE, THROTTLED)
#: An observer keeps its promise and tells so many with a smaller probability than this.
_UNLIKELY = 0.01
#: A clock that is further off is told.
_AHEAD_S = 60.0


@dataclass(frozen=True, slots=True)
class BandView:
    """A band: what it promises of false events a day, and what it told.

    ``n_told`` events, each new incident of them, began in ``heard_h`` hours in which it was heard,
    within the days that were asked for; what a person called normal is none of them, nor what is
    about the observer itself. ``promise`` is the expectation with its bounds, None without a
    calibration. ``is_more`` says that so many are less likely than 1% even by the upper bound.
    """

    band: str
    is_alarm: bool
    trouble: str
    promise: tuple[float, float, float] | None
    n_told: int
    heard_h: float
    is_more: bool

    @property
    def told_per_day(self) -> float | None:
        """Events a day; None where it was not heard."""
        return self.n_told * _DAY_H / self.heard_h if self.heard_h else None


@dataclass(frozen=True, slots=True)
class Sight:
    """An observer: ``why`` it is silent, '' where it is not; how far its clock is ahead."""

    broker: str
    node: str
    heard_ns: int | None
    why: str
    ahead_s: float | None
    place: tuple[float, float] | None
    version: str
    bands: tuple[BandView, ...]

    @property
    def has_wrong_clock(self) -> bool:
        """Whether its times cannot be relied on."""
        return self.ahead_s is not None and abs(self.ahead_s) > _AHEAD_S

    @property
    def words(self) -> str:
        """How it is, in a sentence."""
        parts = [f"SILENT: {self.why}"] if self.why else []
        parts += [f"alarm in {band.band}" for band in self.bands if band.is_alarm]
        parts += [f"{band.band} tells more than it promises" for band in self.bands if band.is_more]
        parts += [f"{band.band}: {band.trouble}" for band in self.bands if band.trouble]
        if self.has_wrong_clock and self.ahead_s is not None:
            side = "ahead" if self.ahead_s > 0 else "behind"
            parts.append(f"its clock is {format_duration(abs(self.ahead_s))} {side}")
        return "; ".join(parts) or "watching"


@dataclass(frozen=True, slots=True)
class Overview:
    """All observers by broker and id, the sites of central units, what was left out and why."""

    observers: tuple[Sight, ...]
    sites: tuple[dict[str, Any], ...]
    refusals: tuple[dict[str, Any], ...]


def look(base: Connection, silent_s: float, days: float, utc_ns: int | None = None) -> Overview:
    """Return how all observers of a store are.

    Args:
        base: a store to read.
        silent_s: who was not heard for so long is silent.
        days: over which events are compared with promises.
        utc_ns: now.
    """
    now_ns = time.time_ns() if utc_ns is None else utc_ns
    since_ns = now_ns - round(days * _DAY_H * _HOUR_NS)
    bands = _bands(base, since_ns)
    places = {(row.broker, row.node): row for row in base.execute(select(PLACES))}
    observers = []
    for row in base.execute(select(OBSERVERS).order_by(OBSERVERS.c.broker, OBSERVERS.c.node)):
        about, place = (row.broker, row.node), places.get((row.broker, row.node))
        observers.append(
            Sight(
                *about,
                row.heard_ns,
                _why(row.heard_ns, row.is_online, now_ns, silent_s),
                row.ahead_s,
                None if place is None else (place.latitude_deg, place.longitude_deg),
                str(_object(row.info).get("version", ""))[:40],
                tuple(bands[about]),
            )
        )
    refused = base.execute(select(REFUSALS).order_by(*REFUSALS.primary_key))
    return Overview(
        tuple(observers),
        tuple(
            {
                "broker": row.broker,
                "site": row.site,
                "last_verdict": format_utc(row.at_ns),
                "status": row.status,
                "alarm": bool(row.is_alarm),
                "silent": now_ns - row.heard_ns > silent_s * _NS,
                "verdict": _object(row.verdict),
            }
            for row in base.execute(select(SITES).order_by(*SITES.primary_key))
        ),
        tuple(
            {"broker": row.broker, "reason": row.reason, "n": row.n, "last": row.words}
            for row in refused
        ),
    )


def _bands(base: Connection, since_ns: int) -> dict[tuple[str, str], list[BandView]]:
    """Return what is known of bands, by broker and node."""
    of_event = (EVENTS.c.broker, EVENTS.c.node, EVENTS.c.band)
    counted = base.execute(
        select(*of_event, func.count())
        .where(
            EVENTS.c.first_ns >= since_ns,
            EVENTS.c.kind.not_in(_OF_ITSELF),
            EVENTS.c.why_not != NORMAL,
        )
        .group_by(*of_event)
    )
    told = {tuple(about): n for *about, n in counted}
    of_state = (STATES.c.broker, STATES.c.node, STATES.c.band)
    hours = base.execute(
        select(*of_state, func.count(distinct(STATES.c.heard_ns // _HOUR_NS)))
        .where(STATES.c.heard_ns >= since_ns)
        .group_by(*of_state)
    )
    heard = {tuple(about): float(n) for *about, n in hours}
    found: dict[tuple[str, str], list[BandView]] = defaultdict(list)
    for row in base.execute(select(BANDS).order_by(*BANDS.primary_key)):
        about = row.broker, row.node, row.band
        promise = None
        if row.promise_per_day is not None:
            promise = row.promise_per_day, row.promise_low or 0.0, row.promise_high or 0.0
        n_told, heard_h = told.get(about, 0), heard.get(about, 0.0)
        view = BandView(
            row.band,
            bool(row.is_alarm),
            _trouble(_object(row.state)),
            promise,
            n_told,
            heard_h,
            _is_more(n_told, heard_h, promise),
        )
        found[row.broker, row.node].append(view)
    return found


def _is_more(n_told: int, heard_h: float, promise: tuple[float, float, float] | None) -> bool:
    """Return whether events are more than the upper bound of a promise explains (Poisson)."""
    if promise is None or not n_told or not heard_h:
        return False
    # The probability of so many or more.
    return bool(gammainc(n_told, max(promise[2], promise[0]) * heard_h / _DAY_H) < _UNLIKELY)


def _why(heard_ns: int | None, is_online: bool | None, now_ns: int, silent_s: float) -> str:
    if is_online is False:
        return OFFLINE
    if heard_ns is None:
        return "it was never heard, only known to the broker"
    age_s = (now_ns - heard_ns) / _NS
    return silent_words(age_s) if age_s > silent_s else ""


def _trouble(state: dict[str, Any]) -> str:
    """Return what its observer says is wrong with a band."""
    said = [*state.get("troubles", ()), state.get("distrust", ""), state.get("history_problem", "")]
    if state.get("unscored_s") and state.get("unscored_reason"):
        said.append(f"not scored ({state['unscored_reason']})")
    return ", ".join(str(one) for one in said if one)


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def overview_payloads(found: Overview) -> Iterator[dict[str, Any]]:
    """Yield objects: ``edgespec.fleet-observer/1``, ``fleet-site/1`` and ``fleet-refusal/1``."""
    for seen in found.observers:
        yield {
            "schema": "edgespec.fleet-observer/1",
            "broker": seen.broker,
            "node": seen.node,
            "silent": bool(seen.why),
            "why": seen.why,
            "last_heard": None if seen.heard_ns is None else format_utc(seen.heard_ns),
            "clock_ahead_s": seen.ahead_s,
            "latitude_deg": None if seen.place is None else seen.place[0],
            "longitude_deg": None if seen.place is None else seen.place[1],
            "version": seen.version,
            "words": seen.words,
            "bands": [
                {
                    "band": band.band,
                    "alarm": band.is_alarm,
                    "trouble": band.trouble,
                    "promised_per_day": None if band.promise is None else band.promise[0],
                    "promised_low": None if band.promise is None else band.promise[1],
                    "promised_high": None if band.promise is None else band.promise[2],
                    "told": band.n_told,
                    "heard_h": band.heard_h,
                    "told_per_day": band.told_per_day,
                    "more_than_promised": band.is_more,
                }
                for band in seen.bands
            ],
        }
    for site in found.sites:
        yield {"schema": "edgespec.fleet-site/1", **site}
    for refusal in found.refusals:
        yield {"schema": "edgespec.fleet-refusal/1", **refusal}


def overview_lines(found: Overview, width: int | None) -> Iterator[str]:
    """Yield tables for people."""
    rows = [
        (
            seen.node if len({one.broker for one in found.observers}) < 2
            else f"{seen.broker}/{seen.node}",
            "-" if seen.heard_ns is None else format_utc(seen.heard_ns)[:19],
            ", ".join(_rate(band) for band in seen.bands) or "-",
            seen.words,
        )
        for seen in found.observers
    ]  # fmt: skip
    columns = ("observer", "last heard (UTC)", "told a day (promised)", "how it is")
    yield from Table([Column(name) for name in columns], rows, width).lines()
    for site in found.sites:
        mood = "ALARM" if site["alarm"] else site["status"]
        yield f"site {site['site']}: {'SILENT, last ' if site['silent'] else ''}{mood}"
    for one in found.refusals:
        yield f"left out: {counted(one['n'], 'message')} ({one['reason']}), the last: {one['last']}"


def _rate(band: BandView) -> str:
    told = "-" if band.told_per_day is None else f"{band.told_per_day:.3g}"
    promised = "no promise" if band.promise is None else f"{band.promise[0]:.3g}"
    return f"{band.band} {told} ({promised})"
