"""One message of an event's life, as it travels.

Names that SigMF has are SigMF's (``core:...``); times are RFC 3339 with ``Z`` and microseconds;
levels are dBFS, beside which a calibrated band has its peak in dBm, too, in dBuV/m where its
antenna is known, and how old the calibration was at the event's end. ``mask`` is what the band's
mask says of its frequencies, null without one. ``alert`` says whether
somebody is to be alarmed by it; no consumer need look at rules. What is read is what was written,
times and latency to the microsecond.
"""

from dataclasses import dataclass
from typing import Any

from edgespec.alert import Alert
from edgespec.clock import ClockQuality
from edgespec.kinds import advice_for
from edgespec.listing import Listing, MaskWord
from edgespec.records import Change, Event, EventType
from edgespec.units import format_utc
from edgespec.wire.fields import LEVEL_UNIT, Fields
from edgespec.wire.levels import NO_SCALE, level_payload, parse_scale, scale_payload
from edgespec.wire.text import PayloadError, decode, encode

__all__ = ["EVENT_SCHEMA", "EventMessage", "event_payload", "mark_replayed", "parse_event"]

EVENT_SCHEMA = "edgespec.event/2"
_ANY_VERSION = "edgespec.event/"
#: What this version did not say at first: messages of then are still on disks.
_ADDED = {
    "kind_probability": 1.0,
    "kind_hint": "",
    "alert": True,
    "no_alert_reason": "",
    "incident": "",
    **NO_SCALE,
    "mask": None,
    "listed_as": "",
    "over_mask_db": None,
    "unheard_s": 0.0,
}


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


def event_payload(message: EventMessage) -> dict[str, Any]:
    """Return the object of schema ``edgespec.event/2``."""
    event, scale, listing = message.event, message.event.scale, message.event.listing
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
        "unheard_s": round(float(event.unheard_s), 6),
        "core:sample_start": int(event.sample_start),
        "core:sample_count": int(event.n_samples),
        "core:freq_lower_edge": float(event.freq_lower_hz),
        "core:freq_upper_edge": float(event.freq_upper_hz),
        "peak_freq_hz": float(event.peak_freq_hz),
        "peak_dbfs": float(event.peak_dbfs),
        "change": event.change.value,
        "excess_db": float(event.excess_db),
        "severity_db": float(event.severity_db),
        "level_unit": LEVEL_UNIT,
        "kind": event.kind,
        "kind_probability": float(event.kind_probability),
        "kind_hint": event.kind_hint,
        "advice": advice_for(event.kind) if event.is_named else "",
        "detector": event.detector,
        "score": float(event.score),
        "threshold": float(event.threshold),
        "sureness": float(event.sureness),
        "clock": event.clock.value,
        "model_sha256": event.model_sha256,
        "share": event.share,
        "cell_identity": event.cell_identity,
        "latency_ms": round(float(event.latency_s) * 1e3, 3),
        "alert": event.alert.is_on,
        "no_alert_reason": event.alert.reason,
        "incident": event.alert.incident,
        **level_payload("peak", event.peak_dbfs, scale),
        **scale_payload(scale, event.end_ns),
        "mask": None if listing is None else listing.word.value,
        "listed_as": "" if listing is None else listing.name,
        "over_mask_db": None if listing is None else listing.over_db,
    }


def parse_event(data: bytes | str) -> EventMessage:
    """Return the message written as :func:`event_payload`.

    Raises:
        PayloadError: it is not a message of this schema.
    """
    fields = Fields.of({**_ADDED, **decode(data)}, EVENT_SCHEMA)
    fields.require_level_unit()
    event = Event(
        event_id=fields.text("id"),
        event_type=fields.choice("event_type", EventType),
        band=fields.text("band"),
        start_ns=fields.utc_ns("start"),
        end_ns=fields.utc_ns("end"),
        sample_start=fields.integer("core:sample_start"),
        n_samples=fields.integer("core:sample_count"),
        freq_lower_hz=fields.number("core:freq_lower_edge"),
        freq_upper_hz=fields.number("core:freq_upper_edge"),
        peak_freq_hz=fields.number("peak_freq_hz"),
        peak_dbfs=fields.number("peak_dbfs"),
        change=fields.choice("change", Change),
        excess_db=fields.number("excess_db"),
        severity_db=fields.number("severity_db"),
        detector=fields.text("detector"),
        score=fields.number("score"),
        threshold=fields.number("threshold"),
        sureness=fields.number("sureness"),
        kind=fields.text("kind"),
        kind_probability=fields.number("kind_probability"),
        kind_hint=fields.text("kind_hint"),
        clock=fields.choice("clock", ClockQuality),
        latency_s=round(fields.number("latency_ms") / 1e3, 6),
        model_sha256=fields.optional_text("model_sha256"),
        share=fields.optional_number("share"),
        cell_identity=fields.optional_integer("cell_identity"),
        unheard_s=fields.number("unheard_s"),
        alert=Alert(fields.flag("alert"), fields.text("no_alert_reason"), fields.text("incident")),
        scale=parse_scale(fields),
        listing=_parse_listing(fields),
    )
    return EventMessage(
        event,
        node=fields.text("node"),
        sequence=fields.integer("sequence"),
        replayed=fields.flag("replayed"),
    )


def _parse_listing(fields: Fields) -> Listing | None:
    if fields.optional_text("mask") is None:
        return None
    return Listing(
        fields.choice("mask", MaskWord),
        fields.text("listed_as"),
        fields.optional_number("over_mask_db"),
    )


def mark_replayed(data: bytes) -> bytes:
    """Return an encoded event, of whatever version, with ``replayed`` true.

    Raises:
        PayloadError: it is not an event.
    """
    payload = decode(data)
    schema = str(payload.get("schema", ""))
    # What waited may be of the version that ran before an update.
    if not schema.startswith(_ANY_VERSION):
        raise PayloadError(f"the schema of a payload is {schema[:60]!a}; expected an event's")
    Fields.of(payload, schema).flag("replayed")
    return encode({**payload, "replayed": True})
