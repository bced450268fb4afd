"""What is seen of a cell, as events: once for a change, open for a loss."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.detect.cell.cell_events import KINDS, CellEvents
from edgespec.detect.cell.sighting import KINDS as SEEN
from edgespec.detect.cell.sighting import CellSighting
from edgespec.grid import Grid, Span
from edgespec.records import BandInfo, Change, Event, EventType

RATE_HZ = 1000.0
GRID = Grid(100.0 * np.arange(10.0), 100.0, 1, RATE_HZ)
STEP = CellSighting("power step", 1000, -6.0, 1.0, 0.0, 900.0, 5.0, 3.0)
LOST = CellSighting("cell lost", 1040, -20.0, 1.0, 0.0, 900.0, 1.5, 1.0)
NEW = CellSighting("new cell", 1000, -10.0, 1.0, 0.0, 900.0, 2, 2, 77)


def watch() -> CellEvents:
    return CellEvents(BandInfo("b", GRID, model_sha256="ab"), 1.0, lambda: 2_000_000)


def say(
    events: CellEvents, until: int, *seen: CellSighting, is_lost: bool = False, identity: int = 5
) -> list[Event]:
    """Return what is said of 100 ms that end at ``until`` ms."""
    span = Span(until - 100, 100, (until - 100) * 1_000_000, 1_000_000)
    return events.update(
        seen, span, identity=identity, is_lost=is_lost, level_dbfs=lambda: -30.0
    )  # fmt: skip


def test_every_sighting_but_that_of_the_receiver_has_a_kind() -> None:
    assert {*SEEN} == {*KINDS, "gain step"}


@pytest.mark.parametrize("size_db", [-6.0, 6.0])
@pytest.mark.parametrize("kind", ["power step", "carriers down"])
def test_a_change_is_said_once_and_late_enough_to_be_sure(kind: str, size_db: float) -> None:
    events = watch()
    assert say(events, 1050, replace(STEP, kind=kind, size_db=size_db)) == []
    new, end = say(events, 1200)
    assert (new.event_type, end.event_type) == (EventType.NEW, EventType.END)
    assert new == replace(end, event_type=EventType.NEW)
    assert (new.kind, new.detector, new.cell_identity) == (KINDS[kind], "cell", 5)
    assert (new.sample_start, new.n_samples) == (1000, 200)
    assert (new.start_ns, new.end_ns) == (1_000_000_000, 1_200_000_000)
    assert new.change is (Change.GAIN if size_db > 0 else Change.LOSS)
    assert (new.excess_db, new.severity_db, new.peak_dbfs) == (size_db, 6.0, -30.0)
    assert new.sureness == pytest.approx(0.7)
    assert new.latency_s == pytest.approx(1e-3)
    assert say(events, 1300) == []
    assert not events.is_open


def test_a_step_of_all_of_it_is_the_receivers_when_the_gain_has_moved() -> None:
    events = watch()
    say(events, 1050, STEP, replace(STEP, share=0.5))
    events.follow()
    new, _ = say(events, 1200)
    assert new.score == STEP.score
    assert say(events, 1300) == []


def test_a_step_of_the_gain_is_no_event() -> None:
    events = watch()
    say(events, 1050, replace(STEP, kind="gain step"))
    assert say(events, 1300) == []


def test_a_loss_begins_with_its_step_and_lasts_until_the_cell_is_heard_again() -> None:
    events = watch()
    assert say(events, 1020, STEP) == []
    (new,) = say(events, 1100, LOST, is_lost=True)
    assert (new.event_type, new.kind, new.sample_start) == (EventType.NEW, "cell-lost", 1000)
    assert events.is_open
    # Whatever the noise does meanwhile.
    assert say(events, 1500, replace(STEP, tick=1450), is_lost=True) == []
    (update,) = say(events, 2100, is_lost=True)
    assert update.event_type is EventType.UPDATE
    back = replace(STEP, size_db=20.0)
    (end,) = say(events, 2200, replace(back, tick=2190))
    assert (end.event_type, end.event_id, end.n_samples) == (EventType.END, new.event_id, 1200)
    assert not events.is_open
    assert say(events, 2300, replace(back, tick=2250)) == []
    assert say(events, 2600) == []
    assert len(say(events, 2900, replace(STEP, tick=2700))) == 2


def test_a_part_that_went_down_before_is_an_event_of_its_own() -> None:
    events = watch()
    assert say(events, 1050, replace(STEP, share=0.4, tick=950)) == []
    said = say(events, 1150, LOST, is_lost=True)
    assert [event.kind for event in said] == ["cell-lost", "power-step", "power-step"]
    assert said[0].sample_start == LOST.tick


def test_another_cell_in_its_place_ends_a_loss() -> None:
    events = watch()
    say(events, 1100, LOST, is_lost=True)
    (end,) = say(events, 1200, is_lost=True, identity=6)
    assert (end.event_type, end.cell_identity) == (EventType.END, 5)


def test_a_new_cell_is_said_at_once_and_adds_power() -> None:
    new, end = say(watch(), 1100, NEW)
    assert (new.event_type, end.event_type) == (EventType.NEW, EventType.END)
    assert (new.kind, new.cell_identity, new.change) == ("new-cell", 77, Change.GAIN)
    # A tenth more.
    assert new.excess_db == pytest.approx(0.414, abs=1e-3)


@pytest.mark.parametrize("retunes", [True, False])
def test_the_end_of_the_stream_and_a_retune_end_a_loss_and_forget_what_waits(retunes: bool) -> None:
    events = watch()
    (new,) = say(events, 1100, LOST, is_lost=True)
    (end,) = events.retune(GRID) if retunes else events.finish()
    assert (end.event_type, end.event_id, end.peak_dbfs) == (EventType.END, new.event_id, -30.0)
    say(events, 1300, replace(STEP, tick=1290))
    assert events.finish() == []
    assert say(events, 1600) == []
