"""What central units write and read: verdicts, events, presence, learnt state.

Style and rules are those of the observers' payloads; see :mod:`edgespec.alarm.payload`. Levels of
a unit that is missing are ``null``, and so is the score of a snapshot that has none.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.alarm.fields import Fields, PayloadError, decode, encode
from edgespec.records import EventType
from edgespec.twin.service.events import SiteEvent
from edgespec.twin.verdict import Position, TwinStatus, TwinVerdict
from edgespec.units import format_utc

__all__ = [
    "HANDOVER_SCHEMA",
    "MEMBER_SCHEMA",
    "SITE_EVENT_SCHEMA",
    "VERDICT_SCHEMA",
    "SavedSite",
    "encode_verdict",
    "member_payload",
    "parse_member",
    "parse_saved",
    "parse_site_event",
    "parse_verdict",
    "saved_payload",
    "site_event_payload",
    "verdict_payload",
]

VERDICT_SCHEMA = "edgespec.verdict/1"
SITE_EVENT_SCHEMA = "edgespec.site-event/1"
MEMBER_SCHEMA = "edgespec.member/1"
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


def verdict_payload(
    verdict: TwinVerdict, central: str, level_unit: str, counts: dict[str, int]
) -> dict[str, Any]:
    """Return the object of schema ``edgespec.verdict/1``; ``counts``: reports by what became of
    them."""
    return {
        "schema": VERDICT_SCHEMA,
        "event_type": "verdict",
        "site": verdict.site,
        "band": verdict.band,
        "central": central,
        "time": format_utc(verdict.utc_ns),
        "snapshot": int(verdict.snapshot),
        "status": verdict.status.value,
        "detector": verdict.detector,
        "score": _number(verdict.score),
        "threshold": _number(verdict.threshold),
        "alarm": bool(verdict.is_alarm),
        "n_averages": int(verdict.n_averages),
        "n_units": int(verdict.n_units),
        "units_missing": list(verdict.units_missing),
        "units_saturated": list(verdict.units_saturated),
        "units_implausible": dict(verdict.implausible),
        "transmitters_silent": list(verdict.transmitters_silent),
        "n_to_learn": int(verdict.n_to_learn),
        **_source(verdict),
        "kind": verdict.kind,
        "advice": verdict.advice,
        "nodes": list(verdict.nodes),
        "subband_edges_hz": [float(edge_hz) for edge_hz in verdict.edges_hz],
        "level_unit": level_unit,
        "levels": _rows(verdict.level_db),
        "expected": _rows(verdict.expected_dbm),
        "residual_db": _rows(verdict.residual_db),
        "reports": dict(counts),
    }


def encode_verdict(
    verdict: TwinVerdict, central: str, level_unit: str, counts: dict[str, int]
) -> bytes:
    """Return a verdict as it travels.

    Its numbers are finite or ``null`` already, so that looking for others in hundreds of levels,
    which costs four times as much as the rest, is left out.
    """
    payload = verdict_payload(verdict, central, level_unit, counts)
    return json.dumps(payload, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def parse_verdict(data: bytes | str) -> TwinVerdict:
    """Return the verdict written as :func:`verdict_payload`, its levels to a tenth of a dB.

    Raises:
        PayloadError: it is not a verdict.
    """
    payload = decode(data)
    fields = Fields.of(payload, VERDICT_SCHEMA)
    try:
        return TwinVerdict(
            site=fields.text("site"),
            band=fields.text("band"),
            utc_ns=fields.utc_ns("time"),
            snapshot=fields.integer("snapshot"),
            status=TwinStatus(fields.text("status")),
            detector=fields.text("detector"),
            score=_optional(payload, "score"),
            threshold=_optional(payload, "threshold"),
            is_alarm=fields.flag("alarm"),
            n_averages=fields.integer("n_averages"),
            n_units=fields.integer("n_units"),
            nodes=_texts(payload, "nodes"),
            level_db=_array(payload, "levels"),
            expected_dbm=_array(payload, "expected"),
            residual_db=_array(payload, "residual_db"),
            edges_hz=tuple(float(edge) for edge in payload["subband_edges_hz"]),
            units_missing=_texts(payload, "units_missing"),
            units_saturated=_texts(payload, "units_saturated"),
            transmitters_silent=_texts(payload, "transmitters_silent"),
            n_to_learn=fields.integer("n_to_learn"),
            implausible={str(k): str(v) for k, v in payload["units_implausible"].items()},
            kind=fields.text("kind"),
            advice=fields.text("advice"),
            **_parse_source(payload, fields),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise PayloadError(f"{VERDICT_SCHEMA}: {error}") from error


def site_event_payload(
    event: SiteEvent, central: str, sequence: int, *, replayed: bool = False
) -> dict[str, Any]:
    """Return the object of schema ``edgespec.site-event/1``."""
    return {
        "schema": SITE_EVENT_SCHEMA,
        "event_type": event.event_type.value,
        "id": event.event_id,
        "sequence": int(sequence),
        "replayed": replayed,
        "site": event.site,
        "band": event.band,
        "central": central,
        "start": format_utc(event.start_ns),
        "end": format_utc(event.end_ns),
        **_source(event),
        "kind": event.kind,
        "advice": event.advice,
        "detector": event.detector,
        "score": float(event.score),
        "threshold": float(event.threshold),
        "n_alarms": int(event.n_alarms),
        "n_snapshots": int(event.n_snapshots),
        "n_units": int(event.n_units),
    }


def parse_site_event(data: bytes | str) -> SiteEvent:
    """Return the event written as :func:`site_event_payload`.

    Raises:
        PayloadError: it is not an event of a site.
    """
    payload = decode(data)
    fields = Fields.of(payload, SITE_EVENT_SCHEMA)
    try:
        return SiteEvent(
            event_id=fields.text("id"),
            event_type=EventType(fields.text("event_type")),
            site=fields.text("site"),
            band=fields.text("band"),
            start_ns=fields.utc_ns("start"),
            end_ns=fields.utc_ns("end"),
            detector=fields.text("detector"),
            score=fields.number("score"),
            threshold=fields.number("threshold"),
            n_alarms=fields.integer("n_alarms"),
            n_snapshots=fields.integer("n_snapshots"),
            n_units=fields.integer("n_units"),
            kind=fields.text("kind"),
            advice=fields.text("advice"),
            **_parse_source(payload, fields),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise PayloadError(f"{SITE_EVENT_SCHEMA}: {error}") from error


def member_payload(central: str, sites: list[str], utc_ns: int, **more: Any) -> dict[str, Any]:
    """Return the object of schema ``edgespec.member/1``: a central unit and the sites it knows."""
    return {
        "schema": MEMBER_SCHEMA,
        "central": central,
        "time": format_utc(utc_ns),
        "sites": list(sites),
        **more,
    }


def parse_member(data: bytes | str) -> tuple[str, list[str], dict[str, int]]:
    """Return id and sites of a central unit, and how many reports it took or refused, by reason.

    Raises:
        PayloadError: it is no presence.
    """
    payload = decode(data)
    fields = Fields.of(payload, MEMBER_SCHEMA)
    reports = fields.integers("reports") if "reports" in payload else {}
    return fields.text("central"), list(_texts(payload, "sites")), reports


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
    event = payload.get("event")
    return SavedSite(
        site=fields.text("site"),
        central=fields.text("central"),
        utc_ns=fields.utc_ns("time"),
        sequence=fields.integer("sequence"),
        event=parse_site_event(encode(event)) if isinstance(event, dict) else None,
        twin=json.dumps(payload["twin"]).encode() if isinstance(payload.get("twin"), dict) else b"",
    )


def _source(record: TwinVerdict | SiteEvent) -> dict[str, Any]:
    source = record.source
    names = ("x_m", "y_m", "z_m", "sigma_m")
    return {
        "core:freq_lower_edge": _number(record.freq_lower_hz),
        "core:freq_upper_edge": _number(record.freq_upper_hz),
        "source": source and {name: round(float(getattr(source, name)), 2) for name in names},
        "power_dbm": _number(record.power_dbm),
    }


def _parse_source(payload: dict[str, Any], fields: Fields) -> dict[str, Any]:
    source = payload["source"]
    optional = {
        "freq_lower_hz": "core:freq_lower_edge",
        "freq_upper_hz": "core:freq_upper_edge",
        "power_dbm": "power_dbm",
    }
    return {
        "source": source and Position(**{name: float(value) for name, value in source.items()}),
        **{
            name: None if payload[key] is None else fields.number(key)
            for name, key in optional.items()
        },
    }


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), 4)


def _optional(payload: dict[str, Any], key: str) -> float:
    return math.nan if payload[key] is None else Fields(payload, VERDICT_SCHEMA).number(key)


def _rows(values: NDArray[np.float64]) -> list[list[float | None]]:
    rows: list[list[float | None]] = values.round(1).tolist()
    if np.isnan(values).any():
        return [[None if level != level else level for level in row] for row in rows]
    return rows


def _array(payload: dict[str, Any], key: str) -> NDArray[np.float64]:
    return np.array(payload[key], np.float64, ndmin=2)


def _texts(payload: dict[str, Any], key: str) -> tuple[str, ...]:
    values = payload.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise PayloadError(f"{key} is {values!r:.60}; it must be a list of text")
    return tuple(values)
