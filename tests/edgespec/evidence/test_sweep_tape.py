"""Sweeps around an alert become a table that plays, and what was found in it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.evidence.recorder import Recorder
from edgespec.evidence.shelf import Shelf
from edgespec.evidence.sweep_tape import SweepCut, SweepTape
from edgespec.records import EventType, SampleFormat, SourceInfo
from edgespec.sources import open_source
from edgespec.sweep_block import SweepBlock, sweep_grid
from tests.made import sweeps
from tests.made.event import MONDAY_NS, event_of

TABLE = sweeps.levels(100, 16)
GRID = sweep_grid(88e6 + 1e5 * np.arange(16), 10.0)
NS = 1_000_000_000


def block(number: int, n_dropped: int = 0) -> SweepBlock:
    return SweepBlock(
        TABLE[number : number + 1].copy(),
        *(0.1, 88.8e6, number, MONDAY_NS + number * 10 * NS, n_dropped),
        grid=GRID,
    )


def at(number: int, **changes: object) -> object:
    return replace(event_of(), sample_start=number, n_samples=1, **changes)  # type: ignore[arg-type]


def test_a_cut_is_what_was_wanted_around_an_event() -> None:
    cuts: list[SweepCut] = []
    tape = SweepTape(10, 5, 10**6, cuts.append)
    for number in range(60):
        tape.add(block(number))
        if number == 41:
            tape.want(at(40))  # type: ignore[arg-type]
            tape.want(at(40, event_type=EventType.UPDATE, kind="wideband"))  # type: ignore[arg-type]
    (cut,) = cuts
    np.testing.assert_array_equal(cut.table.levels_db, TABLE[30:45])
    assert cut.table.utc_s[0] == pytest.approx(MONDAY_NS / NS + 300.0)
    assert [event.kind for event in cut.events] == ["wideband"]


def test_the_same_event_is_cut_once_and_the_end_takes_what_is_there() -> None:
    cuts: list[SweepCut] = []
    tape = SweepTape(10, 50, 10**6, cuts.append)
    for number in range(60):
        tape.add(block(number))
        if number >= 41:
            tape.want(at(40, event_type=EventType.NEW if number == 41 else EventType.UPDATE))  # type: ignore[arg-type]
    tape.finish()
    tape.finish()
    assert [cut.table.n_sweeps for cut in cuts] == [30]


def test_memory_bounds_what_is_kept() -> None:
    cuts: list[SweepCut] = []
    tape = SweepTape(50, 2, 4 * 16 * 20, cuts.append)
    for number in range(60):
        tape.add(block(number))
    tape.want(at(58))  # type: ignore[arg-type]
    tape.finish()
    assert cuts[0].table.n_sweeps == 20


def test_times_that_go_back_still_make_a_table() -> None:
    cuts: list[SweepCut] = []
    tape = SweepTape(10, 5, 10**6, cuts.append)
    for number in range(20):
        tape.add(replace(block(number), utc_ns=MONDAY_NS - number * NS))
    tape.want(at(18))  # type: ignore[arg-type]
    tape.finish()
    assert np.all(np.diff(cuts[0].table.utc_s) > 0)


def test_an_alert_is_kept_as_a_table_that_plays_and_within_the_quota(tmp_path: Path) -> None:
    source = SourceInfo("test:", 0.1, 88.8e6, SampleFormat.CF32, True, grid=GRID)
    shelf = Shelf(tmp_path, 20_000, 30.0)
    recorder = Recorder(shelf, "roof", {"lte": source}, 1.0, 1.0, 10**6, sweeps=(10, 5))
    for number in range(60):
        recorder.tapes["lte"].add(block(number))
        if number == 41:
            recorder.event(at(40))  # type: ignore[arg-type]
    recorder.close()
    (table,) = tmp_path.glob("*.sweeps.npz")
    meta = json.loads(table.with_suffix(".json").read_text())
    assert meta["schema"] == "edgespec.sweeps/1"
    assert meta["events"][0]["event_id"] == event_of().event_id
    played = open_source(f"rtl_power:{table}")
    found = []
    while (one := played.read(played.info.empty(1))) is not None:
        found.append(one.samples[0])
    played.close()
    np.testing.assert_array_equal(np.array(found), TABLE[30:45])
    # The oldest goes where there is no room, with all that belongs to it.
    for number in range(12):
        again = Recorder(shelf, "roof", {"lte": source}, 1.0, 1.0, 10**6, sweeps=(10, 5))
        for sweep in range(60):
            again.tapes["lte"].add(block(sweep))
            if sweep == 41:
                again.event(at(40, event_id=f"{number:08}"))  # type: ignore[arg-type]
        again.close()
    kept = sorted(tmp_path.glob("*.sweeps.npz"))
    assert 1 <= len(kept) < 12
    assert {path.with_suffix(".json") for path in kept} == set(tmp_path.glob("*.sweeps.json"))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000
