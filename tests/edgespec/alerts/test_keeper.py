"""When incidents are written, and what a disk that refuses costs."""

import logging
import threading
from pathlib import Path

import pytest

from edgespec.alerts.incidents import IncidentTable, load_incidents
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.keeper import IncidentKeeper
from edgespec.alerts.rules import AlertRules
from edgespec.config import AlarmConfig
from edgespec.records import Event, EventType, ObserverState
from tests.made.event import event_of

STATE = ObserverState(0, 0.0, 0, 0, 0, 0)


class Kept:
    """A judge and a keeper with a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 0.0
        self.folder = folder
        self.judge = AlertJudge(AlertRules(AlarmConfig()), IncidentTable({"lte": 2e4}))
        self.keeper = IncidentKeeper(self.judge, folder / "incidents.json", lambda: self.now_s)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.keeper.event(self.judge.judge(event))

    def written(self) -> None:
        """Wait until the thread has done what it was given."""
        done = threading.Event()
        self.keeper._jobs.add(done.set)
        assert done.wait(300.0)

    @property
    def n_events(self) -> list[int]:
        self.written()
        return [one.n_events for one in load_incidents(self.folder / "incidents.json")]


def life(number: int, n_updates: int = 3, **fields: object) -> list[Event]:
    types = [EventType.NEW, *[EventType.UPDATE] * n_updates, EventType.END]
    return [
        event_of(event_id=f"e{number}", event_type=one, at_s=60.0 * number, lasts_s=k, **fields)
        for k, one in enumerate(types)
    ]


def test_without_an_event_nothing_is_written(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "events")
    for _ in range(1000):
        kept.now_s += 5.0
        kept.keeper.state(STATE)
    assert not kept.keeper._jobs.has_begun
    kept.keeper.close()
    assert not list(tmp_path.iterdir())


def test_incidents_are_written_seldom_unless_they_are_new(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.tell(*life(1))
    assert kept.n_events == [1]
    for number in range(2, 12):
        kept.tell(*life(number))
    assert kept.n_events == [1]
    kept.now_s = 59.0
    kept.keeper.state(STATE)
    assert kept.n_events == [1]
    kept.now_s = 60.0
    kept.keeper.state(STATE)
    assert kept.n_events == [11]
    # One that is new is wanted sooner, but not one write for each.
    kept.tell(*life(12, kind="pulse"))
    kept.now_s = 64.0
    kept.keeper.state(STATE)
    assert kept.n_events == [11]
    kept.now_s = 65.0
    kept.keeper.state(STATE)
    assert kept.n_events == [11, 1]
    kept.tell(*life(13))
    kept.keeper.close()
    assert sorted(one.n_events for one in load_incidents(tmp_path / "incidents.json")) == [1, 12]


def test_a_disk_that_refuses_is_said_once_and_costs_what_it_refuses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "events"
    folder.write_text("no folder")
    kept = Kept(folder)
    kept.tell(*life(1), *life(2))
    kept.written()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "incidents are not kept in" in caplog.text
    folder.unlink()
    kept.tell(*life(3))
    kept.keeper.close()
    assert [one.n_events for one in load_incidents(folder / "incidents.json")] == [3]


def test_whatever_a_job_raises_the_next_one_is_done(tmp_path: Path, caplog) -> None:
    kept = Kept(tmp_path)
    kept.keeper._jobs.add(lambda: 1 / 0)
    kept.tell(*life(1))
    kept.keeper.close()
    assert "ZeroDivisionError" in caplog.text
    assert [one.n_events for one in load_incidents(tmp_path / "incidents.json")] == [1]


def test_a_band_never_waits_for_the_disk(tmp_path: Path, caplog) -> None:
    kept = Kept(tmp_path)
    gate = threading.Event()
    kept.keeper._jobs.add(lambda: gate.wait(300.0) and None)
    for number in range(100):
        kept.now_s += 60.0
        kept.tell(*life(number, n_updates=0))
    assert "the disk is too slow" in caplog.text
    assert len(caplog.records) == 1
    gate.set()
    kept.keeper.close()
