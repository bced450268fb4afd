"""Received power in 46 bytes, two for each subband, and the name of the band.

A quarter of the JSON of :mod:`edgespec.wire.rss`, and read in a third of its time. Node and site
are those of the topic that it comes on: the broker knows who may publish there. Numbers begin with
their highest byte (network order):

====== ===== ==========================================================================
offset bytes what
====== ===== ==========================================================================
0      1     0xB1: this form, version 1; no JSON and no UTF-8 begins so
1      1     bit 0: levels are in dBm, else in dBFS; no other bit is set
2      1     K, the number of subbands, at least 1
3      1     length of the band's name in bytes
4      8     end of the interval, microseconds since 1970, signed
12     4     number of the report
16     4     frames
20     4     length of the interval in microseconds, above 0
24     4     share of frames that clipped, in millionths
28     2     seconds for which the levels hold behind the end, in tenths, at most 36000
30     8     lower edge of the lowest subband in Hz, IEEE 754 binary64
38     8     upper edge of the highest subband; all K are equally wide
46     2 K   level of each in hundredths of a dB, signed; -32768, -32767 and 32767 are not
             a number, minus infinity and infinity
46+2 K       the band's name in UTF-8, to the end
====== ===== ==========================================================================
"""

import math
import struct
from functools import lru_cache

from edgespec.records import RssReport
from edgespec.wire.rss_error import RssPayloadError
from edgespec.wire.text import PayloadError

__all__ = [
    "LENGTH_AT", "LEVELS_AT", "MAX_HOLD_S", "TIME_AT", "TIME_BYTES", "encode_rss_binary",
    "is_binary", "parse_rss_binary",
]  # fmt: skip

_VERSION = 0xB1
#: All versions of this form, those to come as well.
_FIRST, _LAST = 0xB0, 0xBF
_HEAD = struct.Struct(">BBBBqIIIIHdd")
#: Where the end of the interval is, its length, and the levels: what stands before, between number
#: and levels, and behind them is of the configuration.
TIME_AT, TIME_BYTES, LENGTH_AT, LEVELS_AT = 4, 8, 20, _HEAD.size
_DBM = 1
_NAN, _LOWEST, _HIGHEST = -32768, -32767, 32767
_SPECIAL = {_NAN: math.nan, _LOWEST: -math.inf, _HIGHEST: math.inf}
_MILLION = 1_000_000
#: No report holds for longer: what is an hour old says nothing of now.
MAX_HOLD_S = 3600
#: The first second that a message cannot write (RFC 3339 ends with the year 9999).
_END_US = 253_402_300_800 * _MILLION
#: Rounding moves no edge by more than this share of a subband.
_EDGE_SHARE = 1e-3


def is_binary(data: bytes) -> bool:
    """Whether a payload says that it is of this form, in any version."""
    return len(data) > 0 and _FIRST <= data[0] <= _LAST


def encode_rss_binary(report: RssReport) -> bytes:
    """Return a report as it travels, its levels to the hundredth of a dB.

    Levels beyond 327 dB become 327 dB. Node and site are not part of it.

    Raises:
        PayloadError: its subbands are not equally wide, or a number or the name is too long.
    """
    levels, band = report.levels_db, report.band.encode()
    try:
        low_hz, *_, high_hz = report.edges_hz
        edges_hz = _edges_hz(low_hz, high_hz, len(levels))
        most_hz = _EDGE_SHARE * (edges_hz[1] - edges_hz[0])
        if not all(
            abs(edge - own) <= most_hz for edge, own in zip(edges_hz, report.edges_hz, strict=True)
        ):
            raise ValueError("its subbands are not equally wide")
        head = _HEAD.pack(
            _VERSION,
            _DBM if report.level_unit == "dBm" else 0,
            len(levels),
            len(band),
            report.utc_ns // 1000,
            report.sequence,
            report.n_frames,
            round(report.duration_s * _MILLION),
            round(report.clipped_share * _MILLION),
            round(10.0 * report.hold_s),
            low_hz,
            high_hz,
        )
    except (struct.error, ValueError, OverflowError, ZeroDivisionError) as error:
        raise PayloadError(
            f"a report of {report.node} has no binary form ({error}): let it travel as JSON"
        ) from error
    return head + struct.pack(f">{len(levels)}h", *map(_hundredths, levels)) + band


def parse_rss_binary(data: bytes, node: str, site: str) -> RssReport:
    """Return the report written as :func:`encode_rss_binary` on the topic of a node and a site.

    Raises:
        RssPayloadError: it is no report, by one of the reasons ``schema`` (another version),
            ``binary`` (its bytes are not as many as it says) and ``field``.
    """
    if data[0] != _VERSION:
        raise RssPayloadError(
            "schema",
            f"a binary report has version {data[0] - _FIRST}; this edgespec reads version "
            f"{_VERSION - _FIRST}",
        )
    n_bytes = len(data)
    if n_bytes < _HEAD.size:
        raise RssPayloadError(
            "binary", f"a binary report has {n_bytes} bytes; its head alone has {_HEAD.size}"
        )
    (
        _, flags, n_subbands, n_name, utc_us, sequence, n_frames, length_us, millionths,
        tenths, low_hz, high_hz,
    ) = _HEAD.unpack_from(data)  # fmt: skip
    name_at = _HEAD.size + 2 * n_subbands
    if n_bytes != name_at + n_name:
        raise RssPayloadError(
            "binary",
            f"a binary report has {n_bytes} bytes; with {n_subbands} subbands and a name of "
            f"{n_name} bytes it has {name_at + n_name}",
        )
    try:
        band = data[name_at:].decode()
        if flags > _DBM or not band.isprintable():
            raise ValueError(f"its flags are {flags:#x} and its band {band!a:.80}")
        if not (0 <= utc_us < _END_US and length_us > 0 and millionths <= _MILLION):
            raise ValueError(
                f"its time is {utc_us} us since 1970, its length {length_us} us and its clipped "
                f"share {millionths} millionths; they must be before the year 10000, above 0 and "
                f"at most {_MILLION}"
            )
        if tenths > 10 * MAX_HOLD_S:
            raise ValueError(f"it holds for {tenths / 10.0:g} s; at most {MAX_HOLD_S} are believed")
        edges_hz = _edges_hz(low_hz, high_hz, n_subbands)
    except ValueError as error:
        raise RssPayloadError("field", f"a binary report: {error}") from error
    hundredths = struct.unpack_from(f">{n_subbands}h", data, _HEAD.size)
    if min(hundredths) > _LOWEST and max(hundredths) < _HIGHEST:
        levels_db = tuple([value / 100.0 for value in hundredths])
    else:
        levels_db = tuple(_SPECIAL.get(value, value / 100.0) for value in hundredths)
    return RssReport(
        node, site, band, 1000 * utc_us, length_us / _MILLION, edges_hz, levels_db,
        "dBm" if flags else "dBFS", millionths / _MILLION, n_frames, sequence, tenths / 10.0,
    )  # fmt: skip


@lru_cache(1024)
def _edges_hz(low_hz: float, high_hz: float, n_subbands: int) -> tuple[float, ...]:
    """Return the K + 1 edges of K equal subbands, the same object for all units of a site.

    Raises:
        ValueError: no subband, edges that are not finite, or that do not rise.
    """
    width_hz = (high_hz - low_hz) / max(n_subbands, 1)
    if n_subbands < 1 or not (width_hz > 0.0 and math.isfinite(width_hz)):
        raise ValueError(
            f"its {n_subbands} subbands go from {low_hz:g} to {high_hz:g} Hz; there must be at "
            "least 1, and the frequencies must be finite and rise"
        )
    return (low_hz, *(low_hz + k * width_hz for k in range(1, n_subbands)), high_hz)


def _hundredths(level_db: float) -> int:
    """Return a level as 16 bits hold it."""
    if math.isfinite(level_db):
        return min(max(round(100.0 * level_db), _LOWEST + 1), _HIGHEST - 1)
    if math.isnan(level_db):
        return _NAN
    return _HIGHEST if level_db > 0 else _LOWEST
