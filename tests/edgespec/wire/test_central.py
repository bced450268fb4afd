"""What central units say is read as it was written, and nothing else is."""

import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest

from edgespec.records import EventType
from edgespec.twin.service.book import EventBook
from edgespec.wire.handover import parse_saved
from edgespec.wire.member import member_payload, parse_member
from edgespec.wire.site_event import SiteEvent, parse_site_event, site_event_payload
from edgespec.wire.text import PayloadError, decode, encode
from edgespec.wire.transmitters import parse_transmitters, transmitters_payload
from edgespec.wire.verdict import (
    TwinStatus,
    TwinVerdict,
    VerdictWriter,
    encode_verdict,
    parse_verdict,
    verdict_payload,
)
from tests.made import twin_fleet
from tests.made.verdict import T0, verdict_of

ARRAYS = ("level_db", "expected_dbm", "residual_db")


@pytest.mark.parametrize("alarm", [False, True])
def test_a_verdict_is_read_as_it_was_written(alarm: bool) -> None:
    verdict = verdict_of(5, alarm)
    counts = {"accepted": 3, "stale": 1}
    data = encode_verdict(verdict, "c-1", "dBm", counts)
    assert data == encode(verdict_payload(verdict, "c-1", "dBm", counts))
    read = parse_verdict(data)
    for field in fields(TwinVerdict):
        mine, its = getattr(verdict, field.name), getattr(read, field.name)
        assert np.array_equal(mine, its, equal_nan=isinstance(mine, np.ndarray)), field.name
    payload = decode(data)
    assert payload["schema"] == "edgespec.verdict/1"
    assert payload["levels"][1] == [None, None]
    assert "not_finite" not in payload
    assert payload["reports"] == {"accepted": 3, "stale": 1}
    assert (payload["alarm"], payload["time"]) == (alarm, "2027-01-15T08:00:05.000000Z")


def test_who_writes_all_verdicts_on_a_site_writes_each_as_if_it_were_the_first() -> None:
    writer = VerdictWriter()
    expected_dbm = np.array([[-80.04, -81.0], [-82.0, -83.0]])
    for second in range(20):
        verdict = replace(verdict_of(second), expected_dbm=expected_dbm)
        if second % 3 == 2:
            expected_dbm = expected_dbm + 1.06
        if second % 5 == 4:
            verdict = replace(
                verdict,
                nodes=(*verdict.nodes, "more"),
                edges_hz=(*verdict.edges_hz, 3e9),
                **{name: np.full((3, 3), second / 7) for name in ARRAYS},
            )
        counts = {"accepted": second}
        plain = encode(verdict_payload(verdict, "c-1", "dBm", counts))
        assert writer.write(verdict, "c-1", "dBm", counts) == plain


def test_a_verdict_without_a_score_is_json() -> None:
    verdict = verdict_of(5, status=TwinStatus.TOO_FEW_UNITS, score=math.nan, threshold=math.nan)
    data = encode(verdict_payload(verdict, "c-1", "dBm", {}))
    assert json.loads(data)["score"] is None
    assert math.isnan(parse_verdict(data).score)


def test_a_site_event_is_read_as_it_was_written() -> None:
    event = EventBook().follow(verdict_of(0, alarm=True))
    assert event is not None
    payload = site_event_payload(event, "c-1", 3)
    assert parse_site_event(encode(payload)) == event
    assert payload["core:freq_lower_edge"] == 1e9
    place = {"x_m": 3.0, "y_m": 4.0, "z_m": 1.5, "sigma_m": 2.0}
    assert payload["source"] == {**place, "region_m2": None}
    bare = SiteEvent("id", EventType.NEW, "s", "b", T0, T0, "energy", 1.0, 0.5, 1, 1, 4)
    assert parse_site_event(encode(site_event_payload(bare, "c-1", 1))) == bare


def test_presence() -> None:
    data = encode(member_payload("c-1", ["a", "b"], T0, version="1"))
    assert parse_member(data) == ("c-1", ["a", "b"], {}, [])
    data = encode(member_payload("c-1", ["a", "b"], T0, reports={"stale": 3}, judged=["b"]))
    assert parse_member(data) == ("c-1", ["a", "b"], {"stale": 3}, ["b"])
    with pytest.raises(PayloadError, match="sites"):
        parse_member(encode({**decode(data), "sites": "a"}))


@pytest.mark.parametrize(
    "parse", [parse_verdict, parse_site_event, parse_saved, parse_member, parse_transmitters]
)
@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema":"x"}', b"\xff"])
def test_no_reader_takes_anything_else(parse: object, data: bytes) -> None:
    with pytest.raises(PayloadError):
        parse(data)  # type: ignore[operator]


def test_transmitters_are_read_as_they_were_written() -> None:
    site = twin_fleet.site_of()
    sector = replace(site.transmitter[0], id="s", antenna="sector", azimuth_deg=90.0, active=False)
    sent = (*site.transmitter, sector)
    assert parse_transmitters(encode(transmitters_payload("yard", sent, T0))) == (T0, sent)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x_m": None}, "x_m"),
        ({"x_m": "3"}, "x_m is '3'"),
        ({"power_dbm": 1e9}, "power_dbm is 1000000000.0"),
        ({"antenna": "dish"}, "antenna is 'dish'"),
        ({"freq_lower_hz": 5}, "freq_lower_hz is 5"),
        ({"freq_lower_hz": [1.0, 2.0]}, "freq_lower_hz has 2 edges"),
        ({"active": 1}, "active is 1"),
        ({"id": "a/b"}, "id is 'a/b'"),
    ],
)
def test_impossible_transmitters_are_named(changes: dict[str, object], says: str) -> None:
    payload = transmitters_payload("yard", twin_fleet.site_of().transmitter, T0)
    payload["transmitters"][0].update(changes)
    with pytest.raises(PayloadError, match=r"transmitters\[0\]") as caught:
        parse_transmitters(json.dumps(payload).encode())
    assert says in str(caught.value)
    both = {
        **payload,
        "transmitters": [{"id": "t", "x_m": 0, "y_m": 0, "z_m": 0, "power_dbm": 1}] * 2,
    }
    with pytest.raises(PayloadError, match="twice"):
        parse_transmitters(json.dumps(both).encode())
