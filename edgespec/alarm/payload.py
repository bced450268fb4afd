"""Versioned JSON of what the observer says: events, states and who it is.

Names that SigMF has are SigMF's (``core:...``); times are RFC 3339 with ``Z`` and microseconds;
levels are dBFS. Every writer has its reader, and reading what was written gives the same record
(times to the microsecond, the latency to the microsecond).
"""

from dataclasses import dataclass
from typing import Any

from edgespec.alarm.fields import Fields, PayloadError, decode, encode
from edgespec.records import Event, EventType, ObserverState
from edgespec.units import format_utc

__all__ = [
    "EVENT_SCHEMA",
    "INFO_SCHEMA",
    "STATE_SCHEMA",
    "EventMessage",
    "PayloadError",
    "decode",
    "encode",
    "event_payload",
    "info_payload",
    "mark_replayed",
    "parse_event",
    "parse_info",
    "parse_state",
    "state_payload",
]

EVENT_SCHEMA = "edgespec.event/1"
STATE_SCHEMA = "edgespec.state/1"
INFO_SCHEMA = "edgespec.info/1"
_LEVEL_UNIT = "dBFS"
_RESERVED = ("schema", "node", "not_finite")


@dataclass(frozen=True, slots=True)
class EventMessage:
    """An event as it travels.

    ``sequence`` counts the messages of a node, across restarts; a gap is a loss, a repetition a
    duplicate. ``replayed`` says that the message waited through an outage.
    """

    event: Event
    node: str
    sequence: int
    replayed: bool = False
    model_sha256: str | None = None


def event_payload(message: EventMessage) -> dict[str, Any]:
    """Return the object of schema ``edgespec.event/1``."""
    event = message.event
    return {
        "schema": EVENT_SCHEMA,
        "event_type": event.event_type.value,
        "id": event.event_id,
        "sequence": message.sequence,
        "replayed": message.replayed,
        "node": message.node,
        "band": event.band,
        "start": format_utc(event.start_ns),
        "end": format_utc(event.end_ns),
        "core:sample_start": int(event.sample_start),
        "core:sample_count": int(event.n_samples),
        "core:freq_lower_edge": float(event.freq_lower_hz),
        "core:freq_upper_edge": float(event.freq_upper_hz),
        "peak_freq_hz": float(event.peak_freq_hz),
        "peak_dbfs": float(event.peak_dbfs),
        "excess_db": float(event.excess_db),
        "level_unit": _LEVEL_UNIT,
        "kind": event.kind,
        "detector": event.detector,
        "score": float(event.score),
        "threshold": float(event.threshold),
        "confidence": float(event.confidence),
        "model_sha256": message.model_sha256,
        "latency_ms": round(float(event.latency_s) * 1e3, 3),
    }


def parse_event(data: bytes | str) -> EventMessage:
    """Return the message written as :func:`event_payload`.

    Raises:
        PayloadError: it is not a message of this schema.
    """
    fields = Fields.of(decode(data), EVENT_SCHEMA)
    _require_level_unit(fields)
    event = Event(
        event_id=fields.text("id"),
        event_type=_event_type(fields.text("event_type")),
        band=fields.text("band"),
        start_ns=fields.utc_ns("start"),
        end_ns=fields.utc_ns("end"),
        sample_start=fields.integer("core:sample_start"),
        n_samples=fields.integer("core:sample_count"),
        freq_lower_hz=fields.number("core:freq_lower_edge"),
        freq_upper_hz=fields.number("core:freq_upper_edge"),
        peak_freq_hz=fields.number("peak_freq_hz"),
        peak_dbfs=fields.number("peak_dbfs"),
        excess_db=fields.number("excess_db"),
        detector=fields.text("detector"),
        score=fields.number("score"),
        threshold=fields.number("threshold"),
        confidence=fields.number("confidence"),
        kind=fields.text("kind"),
        latency_s=round(fields.number("latency_ms") / 1e3, 6),
    )
    return EventMessage(
        event,
        node=fields.text("node"),
        sequence=fields.integer("sequence"),
        replayed=fields.flag("replayed"),
        model_sha256=fields.optional_text("model_sha256"),
    )


def mark_replayed(data: bytes) -> bytes:
    """Return an encoded event with ``replayed`` true.

    Raises:
        PayloadError: it is not an event.
    """
    payload = decode(data)
    Fields.of(payload, EVENT_SCHEMA).flag("replayed")
    return encode({**payload, "replayed": True})


def state_payload(state: ObserverState, node: str) -> dict[str, Any]:
    """Return the object of schema ``edgespec.state/1``."""
    return {
        "schema": STATE_SCHEMA,
        "node": node,
        "time": format_utc(state.utc_ns),
        "uptime_s": float(state.uptime_s),
        "n_samples": int(state.n_samples),
        "n_segments": int(state.n_segments),
        "n_events": int(state.n_events),
        "n_dropped": int(state.n_dropped),
        "n_skipped": {reason: int(n) for reason, n in state.n_skipped.items()},
        "level_dbfs": float(state.level_dbfs),
        "noise_floor_dbfs": float(state.noise_floor_dbfs),
        "level_unit": _LEVEL_UNIT,
        "scores": {name: float(score) for name, score in state.scores.items()},
        "thresholds": {name: float(limit) for name, limit in state.thresholds.items()},
        "speed": float(state.speed),
        "alarm": bool(state.alarm),
        "mqtt_connected": state.mqtt_connected,
        "spool_events": int(state.spool_events),
        "warmup_left_s": float(state.warmup_left_s),
        "latency_ms": {key: round(1e3 * float(s), 3) for key, s in state.latency_s.items()},
    }


def parse_state(data: bytes | str) -> tuple[str, ObserverState]:
    """Return node and state written as :func:`state_payload`.

    Raises:
        PayloadError: it is not a state of this schema.
    """
    fields = Fields.of(decode(data), STATE_SCHEMA)
    _require_level_unit(fields)
    state = ObserverState(
        utc_ns=fields.utc_ns("time"),
        uptime_s=fields.number("uptime_s"),
        n_samples=fields.integer("n_samples"),
        n_segments=fields.integer("n_segments"),
        n_events=fields.integer("n_events"),
        n_dropped=fields.integer("n_dropped"),
        n_skipped=fields.integers("n_skipped"),
        level_dbfs=fields.number("level_dbfs"),
        noise_floor_dbfs=fields.number("noise_floor_dbfs"),
        scores=fields.numbers("scores"),
        thresholds=fields.numbers("thresholds"),
        speed=fields.number("speed"),
        alarm=fields.flag("alarm"),
        mqtt_connected=fields.optional_flag("mqtt_connected"),
        spool_events=fields.integer("spool_events"),
        warmup_left_s=fields.number("warmup_left_s"),
        latency_s={key: round(ms / 1e3, 6) for key, ms in fields.numbers("latency_ms").items()},
    )
    return fields.text("node"), state


def info_payload(info: dict[str, Any], node: str) -> dict[str, Any]:
    """Return the object of schema ``edgespec.info/1``: versions, board, hashes, as given.

    Raises:
        PayloadError: ``info`` uses a name that the envelope needs.
    """
    taken = [name for name in _RESERVED if name in info]
    if taken:
        raise PayloadError(f"info has the fields {taken}, which its envelope uses: rename them")
    return {"schema": INFO_SCHEMA, "node": node, **info}


def parse_info(data: bytes | str) -> tuple[str, dict[str, Any]]:
    """Return node and info written as :func:`info_payload`.

    Raises:
        PayloadError: it is not an info of this schema.
    """
    payload = decode(data)
    node = Fields.of(payload, INFO_SCHEMA).text("node")
    return node, {key: value for key, value in payload.items() if key not in _RESERVED}


def _require_level_unit(fields: Fields) -> None:
    unit = fields.text("level_unit")
    if unit != _LEVEL_UNIT:
        raise PayloadError(f"level_unit is {unit!r:.60}; this version reads {_LEVEL_UNIT!r}")


def _event_type(text: str) -> EventType:
    try:
        return EventType(text)
    except ValueError:
        known = [kind.value for kind in EventType]
        raise PayloadError(f"event_type is {text!r:.60}; it must be one of {known}") from None
