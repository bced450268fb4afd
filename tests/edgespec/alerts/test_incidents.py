"""Laws of incidents: what is one thing, when it was there, and what a file of them survives."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.alerts.incidents import MOST_INCIDENTS, IncidentTable, load_incidents
from edgespec.clock import ClockQuality
from edgespec.records import Change, Event, EventType
from tests.made.event import MONDAY_NS, NS, event_of

SLACK_HZ = 20e3


def table_of(*incidents: object) -> IncidentTable:
    return IncidentTable({"lte": SLACK_HZ}, incidents)


def loaded(table: IncidentTable, folder: Path) -> list[object]:
    path = folder / "incidents.json"
    path.write_bytes(table.content())
    return list(load_incidents(path))


def live(table: IncidentTable, event: Event) -> str:
    """Let an event begin, go on and end; return its incident."""
    ids = {table.take(replace(event, event_type=one)) for one in EventType}
    (incident,) = ids
    return incident


def again(number: int, **fields: object) -> Event:
    return event_of(event_id=f"e{number}", at_s=600.0 * number, **fields)


def test_what_comes_again_is_one_incident_with_a_timetable(tmp_path: Path) -> None:
    table = table_of()
    ids = {live(table, again(number, lasts_s=5.0 + number % 2)) for number in range(20)}
    (incident,) = loaded(table, tmp_path)
    assert ids == {incident.id}
    assert incident.n_events == sum(incident.hours) == 20
    # Twenty, every ten minutes from 08:00 on.
    assert incident.hours[8:12] == (6, 6, 6, 2)
    assert incident.interval_s == 600.0
    assert incident.duration_s == 6.0
    assert incident.first_ns == MONDAY_NS
    assert incident.last_ns == MONDAY_NS + (19 * 600 + 6) * NS
    assert incident.open_id == ""


def test_what_has_no_name_yet_is_of_no_incident_and_then_of_its_own(tmp_path: Path) -> None:
    table = table_of()
    tone = live(table, again(0))
    nameless = again(1, kind="unknown", kind_probability=0.0)
    assert table.take(nameless) == ""
    pulse = live(table, replace(nameless, kind="pulse", kind_probability=0.9))
    assert table.take(replace(nameless, event_id="e2")) == ""
    assert live(table, again(2)) == tone != pulse
    assert [(one.kinds, one.n_events) for one in loaded(table, tmp_path)] == [
        (("pulse",), 1),
        (("tone",), 2),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"band": "gsm"},
        {"kind": "pulse"},
        {"change": Change.LOSS, "excess_db": -12.0},
        {"lower_hz": 806.2e6, "upper_hz": 806.3e6},
        {"lower_hz": 805.9e6, "upper_hz": 806.3e6},
        {"lower_hz": 800e6, "upper_hz": 810e6},
    ],
)
def test_another_place_kind_sign_or_band_is_another_incident(other: dict) -> None:
    table = table_of()
    first = live(table, again(0))
    assert live(table, again(1, **other)) != first
    assert live(table, again(2)) == first


@pytest.mark.parametrize("off_hz", [-50e3, -20e3, 0.0, 20e3, 50e3])
def test_edges_that_are_read_a_little_differently_are_the_same(off_hz: float) -> None:
    table = table_of()
    first = live(table, again(0))
    near = again(1, lower_hz=806.0e6 + off_hz, upper_hz=806.1e6 + off_hz / 2)
    assert live(table, near) == first


def test_a_kind_that_is_not_sure_does_not_part_an_incident(tmp_path: Path) -> None:
    """Nor does it become one of its kinds."""
    table = table_of()
    first = live(table, again(0))
    assert live(table, again(1, kind="hop", kind_probability=0.6)) == first
    assert live(table, again(2, kind="hop", kind_probability=0.9)) != first
    assert loaded(table, tmp_path)[0].kinds == ("tone", "unknown")


def test_an_event_keeps_its_incident_whatever_becomes_of_it() -> None:
    """Its first message knows edges and kind least."""
    table = table_of()
    first = table.take(again(0, kind="anomaly"))
    wider = again(0, event_type=EventType.UPDATE, lower_hz=805.5e6, upper_hz=807e6)
    assert table.take(wider) == first
    assert table.take(replace(wider, event_type=EventType.END)) == first
    # So does the next one, as rough as it begins or as it ended.
    assert table.take(again(1, kind="anomaly")) == first
    assert live(table, again(2, lower_hz=805.5e6, upper_hz=807e6)) == first


def test_a_place_never_creeps(rng: np.random.Generator, tmp_path: Path) -> None:
    """A transmitter that drifts through the band is many incidents, none of them wide."""
    table = table_of()
    ids = []
    for number in range(200):
        lower_hz = 800e6 + 20e3 * number + float(rng.uniform(-5e3, 5e3))
        ids.append(live(table, again(number, lower_hz=lower_hz, upper_hz=lower_hz + 100e3)))
    widths = [one.most_hz - one.least_hz for one in loaded(table, tmp_path)]
    assert 10 < len(set(ids)) < 100
    assert max(widths) <= 100e3 + 2 * (SLACK_HZ + 50e3 + 10e3)


def test_every_event_counts_once(rng: np.random.Generator, tmp_path: Path) -> None:
    table, n_events = table_of(), 500
    for number in range(n_events):
        lower_hz = 800e6 + 1e6 * int(rng.integers(5))
        kind = str(rng.choice(["tone", "pulse"]))
        live(table, again(number, kind=kind, lower_hz=lower_hz, upper_hz=lower_hz + 1e5))
    incidents = loaded(table, tmp_path)
    assert len(incidents) == 10
    assert sum(one.n_events for one in incidents) == n_events
    for one in incidents:
        assert sum(one.hours) == one.n_events


def test_a_clock_that_is_set_costs_an_interval_and_no_count(tmp_path: Path) -> None:
    table = table_of()
    starts_s = [0, 600, 1200, -3000, -2400, 50 * 365 * 86400, 50 * 365 * 86400 + 600]
    for number, at_s in enumerate(starts_s):
        clock = ClockQuality.STEPPED if number == 5 else ClockQuality.SYNCHRONISED
        live(table, event_of(event_id=f"e{number}", at_s=at_s, clock=clock))
    (incident,) = loaded(table, tmp_path)
    assert incident.n_events == len(starts_s)
    assert incident.interval_s == 600.0
    assert min(incident.intervals_s) > 0
    # The last word is the last word, whatever the clock said before.
    live(table, event_of(event_id="e9", at_s=-7200.0, lasts_s=1.0))
    (incident,) = loaded(table, tmp_path)
    assert incident.last_ns == MONDAY_NS - 7199 * NS


def test_memory_is_bounded_and_what_recurs_outlives_what_came_once() -> None:
    table = table_of()
    (often,) = {live(table, again(number)) for number in range(3)}
    for number in range(3, 3000):
        lower_hz = 700e6 + 1e6 * number
        live(table, again(number, lower_hz=lower_hz, upper_hz=lower_hz + 1e5))
    assert len(table) == MOST_INCIDENTS
    assert live(table, again(3001)) == often
    # Ends that never come do not grow it either.
    for number in range(5000):
        table.take(again(number + 10_000))
    assert len(table._open) <= 1024


def test_edges_that_are_no_numbers_are_no_incident() -> None:
    table = table_of()
    assert table.take(replace(event_of(), freq_lower_hz=float("nan"))) == ""
    assert len(table) == 0


def test_incidents_outlive_a_restart(tmp_path: Path) -> None:
    table = table_of()
    first = live(table, again(0))
    table.take(again(1))
    kept = loaded(table, tmp_path)
    assert kept[0].open_id == "e1"
    after = table_of(*kept)
    assert loaded(after, tmp_path)[0].open_id == ""
    assert live(after, again(2)) == first
    (incident,) = loaded(after, tmp_path)
    # What was open when the power went is over.
    assert (incident.n_events, incident.open_id) == (3, "")
    assert loaded(table_of(*loaded(after, tmp_path)), tmp_path) == [incident]


def test_incidents_that_cannot_be_read_are_kept_by_who_writes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "incidents.json"
    newer = table_of().content().replace(b"incidents/1", b"incidents/2")
    path.write_bytes(newer)
    # Who only looks moves nothing.
    assert load_incidents(path) == ()
    assert path.read_bytes() == newer
    assert load_incidents(path, sets_aside=True) == ()
    for number in range(5):
        path.write_bytes(b"x%d" % number)
        assert load_incidents(path, sets_aside=True) == ()
    names = ["incidents.version-2-1.json", *(f"incidents.damaged-{k}.json" for k in (1, 2, 3))]
    assert {one.name for one in tmp_path.iterdir()} == set(names)
    kept = [(tmp_path / name).read_bytes() for name in names]
    # Of damaged ones the last of three is replaced.
    assert kept == [newer, b"x0", b"x1", b"x4"]


def test_a_file_of_incidents_may_be_anything(tmp_path: Path, caplog) -> None:
    """Cut anywhere, with any byte changed: it is read, or said and counted anew."""
    table = table_of()
    for number in range(3):
        live(table, again(number, lower_hz=806e6 + 1e6 * number, upper_hz=806.1e6 + 1e6 * number))
    whole, path = table.content(), tmp_path / "incidents.json"
    for stop in range(0, len(whole) - 1, 4):
        path.write_bytes(whole[:stop])
        assert load_incidents(path) == ()
        path.write_bytes(whole[:stop] + b"\0" * (len(whole) - stop))
        assert load_incidents(path) == ()
    for at in range(0, len(whole), 5):
        changed = bytearray(whole)
        changed[at] ^= 0x15
        path.write_bytes(changed)
        for incident in load_incidents(path):
            table_of(incident).take(again(9))
    assert len({record.message for record in caplog.records}) > 100
    assert max(len(record.message) for record in caplog.records) < 1500
    path.unlink()
    caplog.clear()
    assert load_incidents(path) == ()
    assert not caplog.records


@pytest.mark.parametrize(
    "change",
    [
        {"hours": [1]}, {"hours": [-1] * 24}, {"n_events": -1}, {"kinds": []}, {"slack_hz": -1.0},
        {"lower_hz": 9e9}, {"intervals_s": [-1.0]}, {"change": "both"}, {"first_ns": 1e99},
    ],
)  # fmt: skip
def test_an_incident_that_cannot_be_is_refused(tmp_path: Path, change: dict) -> None:
    table = table_of()
    live(table, again(0))
    content = json.loads(table.content())
    content["incidents"][0] |= change
    path = tmp_path / "incidents.json"
    path.write_text(json.dumps(content))
    assert load_incidents(path) == ()
