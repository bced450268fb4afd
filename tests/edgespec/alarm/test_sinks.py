"""Many sinks as one: who fails, and who is told all the same."""

import logging
import threading
import time
from dataclasses import dataclass, field, replace

import pytest

from edgespec.alarm.sinks import Sinks
from edgespec.alert import Alert
from edgespec.records import Event, ObserverState
from tests.made.event import event_of
from tests.made.tape import Notebook

STATE = ObserverState(0, 0.0, 0, 0, 0, 0)


@dataclass
class Flaky(Notebook):
    """A sink that takes every other state."""

    n_calls: int = 0
    states: list[ObserverState] = field(default_factory=list)

    def state(self, state: ObserverState) -> None:
        self.n_calls += 1
        if self.n_calls % 2:
            raise OSError("not now")
        self.states.append(state)

    def close(self) -> None:
        raise OSError("never")


def test_o7_a_failure_may_pass_and_is_logged_once_for_each_sink(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second, well = Flaky(), Flaky(), Notebook()
    sinks = Sinks([first, well, second])
    for _ in range(6):
        sinks.state(STATE)
    sinks.close()
    assert len(first.states) == len(second.states) == 3
    assert len(well.states) == 6
    assert well.n_closes == 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert caplog.messages[0].startswith("sink 1, a Flaky, failed (OSError: not now)")
    assert caplog.messages[1].startswith("sink 3, a Flaky, failed (OSError: not now)")


def test_who_is_told_first_is_closed_last() -> None:
    calls: list[str] = []

    @dataclass
    class Named(Notebook):
        name: str = ""

        def event(self, event: Event) -> None:
            calls.append(f"event {self.name}")

        def close(self) -> None:
            calls.append(f"close {self.name}")

    sinks = Sinks([Named(name="journal"), Named(name="screen")])
    sinks.event(event_of("e"))
    sinks.close()
    assert calls == ["event journal", "event screen", "close screen", "close journal"]


def test_an_interrupt_is_no_failure() -> None:
    class Interrupted(Notebook):
        def state(self, state: ObserverState) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sinks([Interrupted()]).state(STATE)


def test_messages_of_several_bands_come_one_at_a_time() -> None:
    class Busy(Notebook):
        def state(self, state: ObserverState) -> None:
            assert not lock.locked()
            with lock:
                time.sleep(0.001)
                super().state(state)

    lock, busy = threading.Lock(), Busy()
    sinks = Sinks([busy])
    threads = [
        threading.Thread(target=lambda: [sinks.state(STATE) for _ in range(20)]) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(busy.states) == 60


def test_events_are_judged_before_they_are_told_and_a_judge_that_fails_alarms(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told, heard = Notebook(), []

    class Moody:
        def judge(self, event: Event) -> Event:
            if event.event_id == "bad":
                raise ValueError("no idea")
            return replace(event, alert=Alert(False, "rule"))

        def judge_state(self, state: ObserverState) -> ObserverState:
            if state.n_events:
                raise ValueError("no idea")
            return replace(state, alarm=False)

    sinks = Sinks([told], heard.append, Moody())
    for name in ("good", "bad", "good"):
        sinks.event(event_of(event_id=name))
    for n_events in (0, 1):
        sinks.state(replace(STATE, alarm=True, n_events=n_events))
    assert [event.alert.reason for event in told.events] == ["rule", "", "rule"]
    assert told.events[1].alert.is_on
    assert heard == told.events
    assert [state.alarm for state in told.states] == [False, True]
    assert caplog.messages[0].startswith("who judges events failed (ValueError: no idea)")
    assert caplog.messages[1].startswith("who judges states failed (ValueError: no idea)")
