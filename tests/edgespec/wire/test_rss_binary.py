"""A report in few bytes: what is written is read, and nothing else is."""

import math
import struct
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgespec.records import RssReport
from edgespec.wire.rss import ENCODERS, RssPayloadError, encode_rss, parse_rss
from edgespec.wire.rss_binary import encode_rss_binary
from edgespec.wire.text import PayloadError

#: Sixteen subbands, and the longest name that a band may have.
REPORT = RssReport(
    "hall-01", "hall", "n78", 1_800_000_000_123_456_000, 0.999424,
    tuple(3.69e9 + k * 1.25e6 for k in range(17)), tuple(-61.25 - k for k in range(16)),
    "dBm", 0.25, 3906, 7,
)  # fmt: skip
WRITTEN = encode_rss_binary(REPORT)
#: As bytes, since others read them, too: head, two levels, name.
SHORT = replace(REPORT, edges_hz=(1e9, 1.5e9, 2e9), levels_db=(-61.25, math.nan), sequence=1,
                hold_s=30.0)  # fmt: skip
SHORT_HEX = (
    "b1010203 00066517289a6240 00000001 00000f42 000f4000 0003d090 012c"
    "41cdcd6500000000 41ddcd6500000000 e8138000 6e3738"
)

reports = st.builds(
    lambda low_hz, width_hz, levels, **fields: RssReport(
        "hall-01", "hall",
        edges_hz=tuple(low_hz + k * width_hz for k in range(len(levels) + 1)),
        levels_db=tuple(level / 100.0 for level in levels), **fields,
    ),
    low_hz=st.floats(-1e9, 1e11),
    width_hz=st.floats(1.0, 1e9),
    levels=st.lists(st.integers(-32766, 32766), min_size=1, max_size=20),
    band=st.text("aZ09_-ä", max_size=64),
    utc_ns=st.integers(0, 253_402_300_799_999_999).map(lambda us: us * 1000),
    duration_s=st.integers(1, 2**32 - 1).map(lambda us: us / 1e6),
    level_unit=st.sampled_from(["dBFS", "dBm"]),
    clipped_share=st.integers(0, 10**6).map(lambda millionths: millionths / 1e6),
    n_frames=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**32 - 1),
    hold_s=st.integers(0, 36000).map(lambda tenths: tenths / 10.0),
)  # fmt: skip


def test_bytes() -> None:
    assert encode_rss_binary(SHORT).hex() == SHORT_HEX.replace(" ", "")


def test_sixteen_subbands_need_at_most_150_bytes() -> None:
    assert len(WRITTEN) == 46 + 2 * 16 + 3
    assert len(encode_rss_binary(replace(REPORT, band="b" * 64))) <= 150
    assert len(encode_rss(REPORT)) > 4 * len(WRITTEN)


@settings(max_examples=30)
@given(report=reports)
def test_what_is_written_is_read(report: RssReport) -> None:
    read = parse_rss(encode_rss_binary(report), report.node, report.site)
    # An edge may be off by rounding, far less than a site forgives.
    assert read.edges_hz == pytest.approx(report.edges_hz, rel=1e-12, abs=1e-3)
    assert replace(read, edges_hz=report.edges_hz) == report


def test_a_central_unit_reads_the_same_from_either_form() -> None:
    of_json, of_binary = (
        parse_rss(encode(REPORT), "hall-01", "hall") for encode in ENCODERS.values()
    )
    assert of_json == of_binary == REPORT


def test_levels_that_do_not_exist_travel_and_others_are_rounded() -> None:
    levels = (math.nan, math.inf, -math.inf, -61.2549, -1e4, 1e4)
    edges_hz = tuple(float(k) for k in range(7))
    data = encode_rss_binary(replace(REPORT, levels_db=levels, edges_hz=edges_hz))
    read = parse_rss(data).levels_db
    assert math.isnan(read[0])
    assert read[1:] == (math.inf, -math.inf, -61.25, -327.66, 327.66)


@pytest.mark.parametrize(
    "changes",
    [
        {"edges_hz": (*REPORT.edges_hz[:8], REPORT.edges_hz[8] + 1e5, *REPORT.edges_hz[9:])},
        {"edges_hz": REPORT.edges_hz[:-1]},
        {"edges_hz": REPORT.edges_hz[::-1]},
        {"edges_hz": (), "levels_db": ()},
        {"sequence": 2**32},
        {"duration_s": math.inf},
        {"clipped_share": math.nan},
        {"band": "b" * 256},
    ],
)
def test_what_has_no_binary_form_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(PayloadError, match="hall-01 has no binary form"):
        encode_rss_binary(replace(REPORT, **changes))  # type: ignore[arg-type]


def put(form: str, at: int, value: float) -> bytes:
    data = bytearray(WRITTEN)
    struct.pack_into(form, data, at, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (put("B", 0, 0xB2), "schema", "version 2; this edgespec reads version 1"),
        (b"\xb1", "binary", "1 bytes; its head alone has 46"),
        (WRITTEN[:-1], "binary", "80 bytes; with 16 subbands and a name of 3 bytes it has 81"),
        (WRITTEN + b"x", "binary", "82 bytes"),
        (put("B", 1, 2), "field", "flags are 0x2"),
        (put(">q", 4, -1), "field", "-1 us since 1970"),
        (put(">q", 4, 2**62), "field", "before the year 10000"),
        (put(">I", 20, 0), "field", "length 0 us"),
        (put(">I", 24, 1_000_001), "field", "1000001 millionths"),
        (put(">d", 30, math.nan), "field", "must be finite and rise"),
        (put(">d", 30, 4e9), "field", "from 4e\\+09 to"),
        (put(">H", 28, 36001), "field", "holds for 3600.1 s"),
        (put(">d", 38, math.inf), "field", "must be finite and rise"),
        (put("B", len(WRITTEN) - 1, 0xFF), "field", "utf-8"),
        (put("B", len(WRITTEN) - 1, 0x1B), "field", "band"),
        (WRITTEN[:2] + b"\0" + WRITTEN[3:46] + b"n78", "field", "at least 1"),
    ],
)
def test_whatever_else_comes_is_refused_by_reason(data: bytes, reason: str, said: str) -> None:
    with pytest.raises(RssPayloadError, match=said) as caught:
        parse_rss(data, "hall-01", "hall")
    assert caught.value.reason == reason


@given(bad=st.binary(max_size=99), at=st.integers(1, len(WRITTEN) - 1), value=st.binary(max_size=8))
def test_no_bytes_raise_anything_else(bad: bytes, at: int, value: bytes) -> None:
    spoiled = (WRITTEN[:at] + value + WRITTEN[at + len(value) :])[: len(WRITTEN)]
    for data in (b"\xb1" + bad, spoiled):
        with suppress(RssPayloadError):
            parse_rss(data, "hall-01", "hall")
