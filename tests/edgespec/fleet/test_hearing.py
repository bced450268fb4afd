"""What may come from a broker: rows of what is right, and a reason for everything else."""

import json
from dataclasses import replace

import pytest

from edgespec.fleet.hearing import Hearing
from edgespec.fleet.tables import Row
from edgespec.wire.request import Request, Response, encode_request, encode_response
from edgespec.wire.text import encode
from edgespec.wire.verdict import encode_verdict
from tests.made.event import NS
from tests.made.fleet import NOW_NS, event_bytes, state_bytes
from tests.made.verdict import T0, verdict_of

YEAR_NS = 366 * 86_400 * NS


def heard(
    topic: str,
    data: bytes,
    heard_ns: int = NOW_NS,
    *,
    is_old: bool = False,
    by: Hearing | None = None,
) -> list[Row]:
    hearing = by or Hearing("main", "edgespec")
    return hearing.rows(f"edgespec/{topic}", data, heard_ns, is_old=is_old)


def reason(rows: list[Row]) -> str:
    (row,) = rows
    assert row.table == "refusals"
    assert len(row.values["words"]) <= 200
    assert row.values["words"].isprintable()
    return str(row.values["reason"])


def test_a_state_is_what_is_known_now_and_a_row_where_it_changes() -> None:
    hearing = Hearing("main", "edgespec")
    band, observer, kept = heard("roof/state", state_bytes(level_dbfs=-60.0), by=hearing)
    assert (band.table, observer.table, kept.table) == ("bands", "observers", "states")
    assert (band.values["promise_per_day"], band.values["promise_high"]) == (0.5, 1.2)
    assert observer.values["ahead_s"] == 0.0
    assert kept.values["level_dbfs"] == -60.0
    # A figure moves; then something happens; and then an hour is over.
    tables = [
        [row.table for row in heard("roof/state", data, NOW_NS + s * NS, by=hearing)]
        for s, data in (
            (10, state_bytes(level_dbfs=-50.0)),
            (15, state_bytes(level_dbfs=-50.0)),
            (20, state_bytes(troubles=("overload",))),
            (25, state_bytes()),
            (3599, state_bytes(troubles=("overload",))),
            (3640, state_bytes(troubles=("overload",))),
        )
    ]
    assert [("states" in one) for one in tables] == [False, False, True, False, False, True]
    # One that looks as the last only says that its observer is there.
    assert tables[:2] == [["observers"], ["observers"]]
    assert "bands" in tables[2]
    (later, *_) = heard("roof/state", state_bytes(), NOW_NS + 7201 * NS, by=hearing)
    assert later.table == "bands"


def test_an_observer_has_no_more_bands_than_64() -> None:
    hearing = Hearing("main", "edgespec")

    def told(number: int, node: str = "roof") -> list[Row]:
        topic, data = f"{node}/band/b{number}/state", state_bytes(node, band=f"b{number}")
        return heard(topic, data, by=hearing)

    assert {told(number)[0].table for number in range(64)} == {"bands"}
    assert reason(told(64)) == "too_many"
    assert told(0)[0].table == "observers"
    assert told(64, "attic")[0].table == "bands"


def test_a_retained_state_is_as_old_as_it_says_and_no_word_of_its_observer() -> None:
    data = state_bytes(utc_ns=NOW_NS - 60 * NS)
    band, observer, _ = heard("roof/state", data, is_old=True)
    assert band.is_old
    assert observer.is_old
    assert observer.values["heard_ns"] == NOW_NS - 60 * NS
    assert "ahead_s" not in observer.values


@pytest.mark.parametrize("off_ns", [-YEAR_NS, YEAR_NS])
def test_a_clock_that_is_a_year_wrong_is_told_and_its_event_kept(off_ns: int) -> None:
    _, observer, kept = heard("roof/state", state_bytes(utc_ns=NOW_NS + off_ns))
    assert observer.values["ahead_s"] == off_ns / NS
    assert (kept.values["heard_ns"], kept.values["at_ns"]) == (NOW_NS, NOW_NS + off_ns)
    (event,) = heard("roof/events", event_bytes(at_s=off_ns / NS))
    assert event.values["first_ns"] == NOW_NS


@pytest.mark.parametrize(
    "node", ["", "a b", "ro\u00f6f", "x" * 65, "a\0b", "'; DROP TABLE", "\u202e"]
)
def test_names_that_no_observer_has(node: str) -> None:
    assert reason(heard(f"{node}/state", state_bytes())) == "name"
    assert reason(heard(f"{node}/availability", b"online")) == "name"


def test_messages_that_are_none() -> None:
    good = json.loads(event_bytes())
    wrong = [
        b"", b"{", b"\xff" * 99, b"[" * 5000, b"x" * 10_000_000, b'{"schema":"edgespec.event/2"}',
        encode({**good, "start": "9999-01-01T00:00:00Z"}), encode({**good, "sequence": 2**70}),
        encode({**good, "band": "no band"}), encode({**good, "id": "'; DROP TABLE events"}),
        encode({**good, "excess_db": "much"}), encode({**good, "kind": "a\nb"}),
    ]  # fmt: skip
    for data in wrong:
        assert reason(heard("roof/events", data)) in ("payload", "name", "time"), data[:80]
    assert reason(heard("cellar/events", event_bytes("roof"))) == "node"
    assert reason(heard("cellar/state", state_bytes("roof"))) == "node"
    assert reason(heard("roof/availability", b"maybe")) == "payload"
    info = json.dumps({"schema": "edgespec.info/1", "node": "roof", "x": "y" * 99_999})
    assert reason(heard("roof/info", info.encode())) == "payload"
    for nobody in ("roof/rss/hall", "roof/nothing", "models/lte", "twin/hall/state", "", "/"):
        assert not [row for row in heard(nobody, b"{}") if row.table != "refusals"]
    hearing = Hearing("main", "edgespec")
    counts = [heard("roof/events", b"{", by=hearing)[0].values["n"] for _ in range(3)]
    assert counts == [1, 2, 3]


def test_numbers_that_are_not_finite_are_none() -> None:
    (event,) = heard("roof/events", event_bytes(severity_db=float("inf")))
    assert event.values["severity_db"] is None
    assert '"severity_db":null' in event.values["message"]


def test_two_observers_may_have_events_of_one_id() -> None:
    roof, cellar = (heard(f"{node}/events", event_bytes(node))[0] for node in ("roof", "cellar"))
    assert roof.key != cellar.key


def test_a_decision_is_kept_with_the_event_that_it_was_about() -> None:
    hearing = Hearing("main", "edgespec")
    asked = encode_request(Request("normal", "t1", id="e1"))
    assert heard("roof/request/normal", asked, by=hearing) == []
    answer = encode_response(Response("t1", "", {"id": "normal-1", "incident": "i1"}))
    (row,) = heard("roof/response/normal", answer, by=hearing)
    assert (row.table, row.values["event"], row.values["name"]) == ("actions", "e1", "normal-1")
    refused = encode_response(Response("t2", "no such event"))
    assert heard("roof/response/ack", refused, by=hearing) == []
    assert heard("roof/response/look", answer, by=hearing) == []


def test_a_verdict_is_known_now_and_a_row_where_the_mood_changes() -> None:
    hearing = Hearing("main", "edgespec")
    tables = []
    for second, alarm in ((0, False), (1, False), (20, True)):
        verdict = verdict_of(second, alarm)
        data = encode_verdict(verdict, "central-1", "dBm", {})
        rows = heard("twin/hall/verdict", data, T0 + second * NS, by=hearing)
        tables.append([row.table for row in rows])
        assert "levels" not in json.loads(rows[0].values["verdict"])
    assert tables == [["sites", "verdicts"], ["sites"], ["sites", "verdicts"]]
    other = encode_verdict(replace(verdict, site="yard"), "central-1", "dBm", {})
    assert reason(heard("twin/hall/verdict", other)) == "node"
