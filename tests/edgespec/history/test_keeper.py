"""What the sink keeps, when, and that no band ever waits for it."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.alert import Alert
from edgespec.clock import ClockQuality
from edgespec.history.events import event_row
from edgespec.history.keeper import HistoryKeeper
from edgespec.history.past import Past
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.records import Event, EventType, ObserverState
from tests.made.event import MONDAY_NS, NS, event_of
from tests.made.history import kept_ids, minute_of, store_of

STATE = ObserverState(MONDAY_NS, 0.0, 0, 0, 0, 0, band="lte")


def life(number: int, n_updates: int = 3, **fields: object) -> list[Event]:
    types = [EventType.NEW, *[EventType.UPDATE] * n_updates, EventType.END]
    return [
        event_of(event_id=f"e{number}", event_type=one, at_s=60.0 * number, lasts_s=k, **fields)
        for k, one in enumerate(types)
    ]


class Kept:
    """A keeper, and the ids and types of the messages that it hands to its store."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.messages = folder, []
        self.scale = LevelScale(-30.0)
        self.keeper = HistoryKeeper(
            store_of(folder), "pi-1", lambda: ClockQuality.SYNCHRONISED, {"lte": self.scale}
        )

        def noted(message):
            self.messages.append(message)
            return event_row(message)

        monkeypatch.setattr("edgespec.history.keeper.event_row", noted)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.keeper.event(event)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    return Kept(tmp_path / "state", monkeypatch)


def test_without_anything_new_nothing_is_written(kept: Kept) -> None:
    kept.keeper.close()
    assert not kept.folder.exists()


def test_begin_end_and_a_change_of_the_alert_are_kept_and_nothing_between(kept: Kept) -> None:
    new, *updates, end = life(1, n_updates=50, alert=Alert(False, "rule"))
    alert = Alert(True, "", "i-1")
    later = [event_of(event_id="e1", event_type=EventType.UPDATE, alert=alert)] * 20
    kept.tell(new, *updates, *later, event_of(event_id="e1", event_type=EventType.END, alert=alert))
    kept.keeper.close()
    said = [one.event for one in kept.messages]
    assert [one.event_type.value for one in said] == ["new", "update", "end"]
    assert [one.alert.is_on for one in said] == [False, True, True]
    (found,) = Past(kept.folder).events()
    assert (found.event.event_type, found.event.alert, found.node) == (EventType.END, alert, "pi-1")
    assert end.event_id == "e1"


def test_whatever_is_raised_the_next_event_is_kept(kept: Kept, caplog) -> None:
    kept.keeper._jobs.add(lambda: 1 / 0)
    kept.tell(*life(1))
    kept.keeper.close()
    assert "ZeroDivisionError" in caplog.text
    assert kept_ids(kept.folder) == ["e1"]


def test_a_band_never_waits_for_the_disk(kept: Kept, caplog) -> None:
    gate = threading.Event()
    kept.keeper._jobs.add(lambda: gate.wait(300.0) and None)
    for number in range(2000):
        kept.tell(*life(number, n_updates=0))
    assert "the disk is too slow" in caplog.text
    assert len(caplog.records) == 1
    gate.set()
    kept.keeper.close()
    assert 0 < len(kept_ids(kept.folder)) < 2000


def test_of_states_their_changes_are_kept_and_when_the_observer_ran(kept: Kept) -> None:
    changes = [
        {"warmup_left_s": 3.0},
        {"warmup_left_s": 1.0, "level_dbfs": -30.0},
        {},
        {"troubles": ("overload",), "alarm": True},
        {"n_segments": 5, "alarm": True},
        {"unscored_s": 1.0, "unscored_reason": "dropped"},
    ]
    for number, change in enumerate(changes):
        for k in range(3):
            utc_ns = MONDAY_NS + (10 * number + k) * NS
            kept.keeper.state(replace(STATE, utc_ns=utc_ns, **change))
    kept.keeper.state(replace(STATE, band="gsm"))
    kept.keeper.close()
    states = Past(kept.folder).states()
    assert [state.condition.get("run") for state in (states[0], states[-1])] == ["begun", "ended"]
    of_lte = [state for state in states if state.band == "lte"]
    assert [(state.at_ns - MONDAY_NS) // NS for state in of_lte] == [0, 20, 30, 40, 50]
    phases = ["warming up", "watching", "watching", "watching", "not scored"]
    assert [state.condition["phase"] for state in of_lte] == phases
    assert [state.condition["troubles"] for state in of_lte] == [[], [], ["overload"], [], []]
    assert of_lte[-1].condition["why"] == "dropped"
    assert {state.clock for state in states} == {"synchronised"}
    assert [state.band for state in Past(kept.folder).states("gsm")] == ["", "gsm", ""]
    assert [state.at_ns for state in Past(kept.folder).states("lte", MONDAY_NS + 30 * NS)][:-1] == [
        MONDAY_NS + seconds * NS for seconds in (30, 40, 50)
    ]


def test_a_minute_is_kept_with_what_its_levels_mean(kept: Kept, rng: np.random.Generator) -> None:
    kept.keeper.minute(minute_of(0, rng))
    kept.keeper.minute(minute_of(0, rng, band="gsm"))
    kept.keeper.close()
    found = {one.minute.band: one for one in Past(kept.folder).minutes()}
    assert (found["lte"].scale, found["gsm"].scale) == (kept.scale, UNCALIBRATED)
    assert found["lte"].clock == "synchronised"
