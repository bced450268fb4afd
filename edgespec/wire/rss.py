"""Received power on the wire: written by every observer of a site, read by its central unit.

It travels as JSON, or as :mod:`edgespec.wire.rss_binary`: the first byte tells. A central unit
reads thousands of these a second, so the reader looks at each field once; whether the report fits
the site is not its business.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import orjson

from edgespec.decode.shown import shown
from edgespec.records import RssReport
from edgespec.units import format_utc
from edgespec.wire.fields import parse_utc
from edgespec.wire.rss_binary import MAX_HOLD_S, encode_rss_binary, is_binary, parse_rss_binary
from edgespec.wire.rss_error import RssPayloadError
from edgespec.wire.text import PayloadError, decode, encode

__all__ = [
    "ENCODERS",
    "LEVEL_UNITS",
    "MAX_RSS_BYTES",
    "RSS_SCHEMA",
    "RssPayloadError",
    "encode_rss",
    "parse_rss",
    "rss_payload",
]

RSS_SCHEMA = "edgespec.rss/1"
LEVEL_UNITS = ("dBFS", "dBm")
#: Far above what 128 subbands need; a longer payload is not even looked at.
MAX_RSS_BYTES = 16384
_NUMBERS = {float, int}
_EVENT_TYPE = "rss"


def rss_payload(report: RssReport) -> dict[str, Any]:
    """Return the object of schema ``edgespec.rss/1``."""
    held = {"hold_s": float(report.hold_s)} if report.hold_s else {}
    return {
        "schema": RSS_SCHEMA,
        "event_type": _EVENT_TYPE,
        "node": report.node,
        "site": report.site,
        "band": report.band,
        "time": format_utc(report.utc_ns),
        "duration_s": float(report.duration_s),
        "sequence": int(report.sequence),
        "n_frames": int(report.n_frames),
        "core:freq_lower_edge": float(report.edges_hz[0]),
        "core:freq_upper_edge": float(report.edges_hz[-1]),
        "subband_edges_hz": [float(edge_hz) for edge_hz in report.edges_hz],
        "levels": [float(level) for level in report.levels_db],
        "level_unit": report.level_unit,
        "clipped_share": float(report.clipped_share),
        **held,
    }


def encode_rss(report: RssReport) -> bytes:
    """Return a report as it travels."""
    return encode(rss_payload(report))


#: How a report may travel, by the name that the configuration has for it.
ENCODERS: dict[str, Callable[[RssReport], bytes]] = {
    "json": encode_rss,
    "binary": encode_rss_binary,
}


def parse_rss(data: bytes, node: str = "", site: str = "") -> RssReport:
    """Return the report written by one of :data:`ENCODERS`, its time to the microsecond.

    Levels that are not finite are restored as such: the site refuses them by name.

    Args:
        data: the payload.
        node: of the topic that it came on; JSON says it once more, and that counts.
        site: of the topic, likewise.

    Raises:
        RssPayloadError: it is not a report of this schema, by one of the reasons ``too_long``,
            ``json``, ``binary``, ``schema`` and ``field``.
    """
    if is_binary(data):
        return parse_rss_binary(data, node, site)
    if len(data) > MAX_RSS_BYTES:
        raise RssPayloadError(
            "too_long",
            f"a payload has {len(data)} bytes; a report has at most {MAX_RSS_BYTES}",
        )
    try:
        fields = _fields(data)
        if type(fields) is dict and "not_finite" in fields:
            fields = decode(data)
    except (ValueError, RecursionError, PayloadError) as error:
        raise RssPayloadError("json", f"a payload is not JSON: {error}") from error
    if type(fields) is not dict or fields.get("schema") != RSS_SCHEMA:
        found = fields.get("schema") if type(fields) is dict else fields
        raise RssPayloadError(
            "schema", f"the schema of a payload is {shown(found):.60}; expected {RSS_SCHEMA!r}"
        )
    try:
        return _report(fields)
    except KeyError as error:
        raise RssPayloadError("field", f"{RSS_SCHEMA}: the field {error} is missing") from error
    except (TypeError, ValueError, OverflowError, PayloadError) as error:
        raise RssPayloadError("field", f"{RSS_SCHEMA}: {error}") from error


def _fields(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # It knows no number beyond its own: then a field is wrong, and the rest is JSON.
        return json.loads(data, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _report(fields: dict[str, Any]) -> RssReport:
    """Return the report of a decoded payload; KeyError, TypeError or ValueError where it is none"""
    node, site, band, unit = fields["node"], fields["site"], fields["band"], fields["level_unit"]
    edges_hz, levels = fields["subband_edges_hz"], fields["levels"]
    duration_s, share = fields["duration_s"], fields["clipped_share"]
    n_frames, sequence = fields["n_frames"], fields["sequence"]
    hold_s = fields.get("hold_s", 0.0)
    if not (
        type(node) is type(site) is type(band) is str
        and node
        and site
        and node.isprintable()
        and site.isprintable()
        and band.isprintable()
    ):
        raise TypeError(f"node, site and band are {shown(node)}, {shown(site)} and "
                        f"{shown(band)}; they must be text that can be shown")  # fmt: skip
    if type(unit) is not str or unit not in LEVEL_UNITS:
        raise ValueError(f"level_unit is {shown(unit)}; it must be one of {LEVEL_UNITS}")
    if not (type(edges_hz) is type(levels) is list and len(edges_hz) == len(levels) + 1 > 1):
        raise TypeError("subband_edges_hz must be a list of one number more than levels has")
    if not _NUMBERS.issuperset(map(type, (*edges_hz, *levels, duration_s, share, hold_s))):
        raise TypeError("edges, levels, duration_s, clipped_share and hold_s must be numbers")
    if not type(n_frames) is type(sequence) is int:
        raise TypeError("n_frames and sequence must be integers")
    if not (0.0 <= share <= 1.0 and 0.0 < duration_s < math.inf and n_frames >= 0):
        raise ValueError(
            f"clipped_share is {share:g}, duration_s {duration_s:g} and n_frames "
            f"{shown(n_frames)}; they must be from 0 to 1, above 0 and at least 0"
        )
    if not 0.0 <= hold_s <= MAX_HOLD_S:
        raise ValueError(f"hold_s is {hold_s:g}; it must be from 0 to {MAX_HOLD_S}")
    return RssReport(
        node, site, band, parse_utc(fields["time"]), float(duration_s),
        tuple(map(float, edges_hz)), tuple(map(float, levels)), unit, float(share), n_frames,
        sequence, float(hold_s),
    )  # fmt: skip
