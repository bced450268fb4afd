"""What systemd is told, over a real socket of datagrams."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgespec.alarm.service import Service
from edgespec.records import ObserverState
from tests.made import band
from tests.made.broker import wait_for
from tests.made.clock import Clock
from tests.made.manager import Manager
from tests.made.tape import Notebook, Tape, monitor_for


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with Manager(tmp_path) as manager:
        yield manager


def state_of(name: str, **fields: object) -> ObserverState:
    return ObserverState(0, 1.0, 2, 3, 4, 5, band=name, **fields)  # type: ignore[arg-type]


def test_ready_comes_with_the_first_progress_and_signs_of_life_with_more(manager: Manager) -> None:
    clock = Clock()
    service = Service(manager.address, 8.0, clock.perf_counter)
    service.state(state_of("lte"))
    assert manager.without_status() == []
    service.progress()
    assert manager.without_status() == ["READY=1", "WATCHDOG=1"]
    clock.sleep(1.9)
    service.progress()
    assert manager.without_status() == ["READY=1", "WATCHDOG=1"]
    clock.sleep(0.2)
    service.progress()
    assert manager.without_status()[2:] == ["WATCHDOG=1"]
    clock.sleep(100.0)
    service.state(state_of("lte"))
    assert manager.without_status()[3:] == []
    service.close()
    service.close()
    assert manager.without_status()[3:] == ["STOPPING=1"]


def test_a_container_is_shown_a_file_that_is_as_old_as_the_last_progress(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "alive"
    service = Service.of({"EDGESPEC_LIFE_SIGN": str(file)})
    service._clock = clock.perf_counter
    service.state(state_of("lte"))
    # A state is no progress: an observer that waits for its radio is not well.
    assert not file.exists()
    service.progress()
    os.utime(file, (0, 0))
    clock.sleep(1.0)
    service.progress()
    assert file.stat().st_mtime == 0
    clock.sleep(5.0)
    service.progress()
    assert file.stat().st_mtime > 0
    service.close()
    assert not file.exists()


def test_a_file_that_cannot_be_shown_is_told_once_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    service = Service("", None, clock.perf_counter, tmp_path / "none" / "alive")
    for _ in range(3):
        service.progress()
        clock.sleep(6.0)
    service.close()
    assert caplog.text.count("EDGESPEC_LIFE_SIGN=") == 1


def test_without_a_limit_no_sign_of_life_follows(manager: Manager) -> None:
    clock = Clock()
    service = Service(manager.address, None, clock.perf_counter)
    for _ in range(3):
        service.progress()
        clock.sleep(100.0)
    assert manager.without_status() == ["READY=1", "WATCHDOG=1"]


def test_the_status_is_the_line_of_all_bands_and_says_that_nothing_comes(manager: Manager) -> None:
    clock = Clock()
    service = Service(manager.address, 30.0, clock.perf_counter)
    assert manager.take() == ["STATUS=waiting for samples"]
    service.progress()
    service.state(state_of("lte", speed=2.0))
    assert manager.take()[-1].startswith("STATUS=quiet | level 0.0 dBFS")
    service.state(state_of("gsm", alarm=True))
    status = "lte: quiet, fit for 2.0x real time | gsm: ALARM, fit for 0.0x real time"
    assert manager.take()[-1] == f"STATUS={status}"
    clock.sleep(3.5)
    service.state(state_of("gsm"))
    assert "nothing heard for 4 s | lte: quiet" in manager.take()[-1]


def test_an_abstract_name_is_an_address(tmp_path: Path) -> None:
    name = f"edgespec-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        Service(f"@{name}").progress()
        assert receiver.recv(100) == b"STATUS=waiting for samples"
        assert receiver.recv(100) == b"READY=1\nWATCHDOG=1"


@pytest.mark.parametrize(
    ("environment", "signs"),
    [
        ({}, 1),
        ({"WATCHDOG_USEC": "4000000"}, 2),
        ({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": str(os.getpid())}, 2),
        ({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}, 1),
        ({"WATCHDOG_USEC": "0"}, 1),
        ({"WATCHDOG_USEC": "soon"}, 1),
    ],
)
def test_the_environment_says_whether_signs_of_life_are_wanted(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], signs: int
) -> None:
    service = Service.of({"NOTIFY_SOCKET": manager.address, **environment})
    clock = Clock()
    monkeypatch.setattr(service, "_clock", clock.perf_counter)
    service.progress()
    clock.sleep(1.5)
    service.progress()
    assert manager.without_status().count("WATCHDOG=1") == signs


def test_nobody_to_tell_and_a_socket_that_is_gone_are_no_errors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for address in ("", str(tmp_path / "gone")):
        service = Service.of({"NOTIFY_SOCKET": address})
        service.progress()
        service.state(state_of("lte"))
        service.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_full_socket_is_not_waited_for(manager: Manager, tmp_path: Path) -> None:
    """Nobody reads it: what it does not take is left out, and the observer goes on."""
    service = Service(manager.address)
    for _ in range(1000):
        service.state(state_of("lte"))
    n_taken = len(manager.take())
    assert 0 < n_taken < 1000
    for _ in range(1000):
        service.state(state_of("lte"))
    service.progress()
    assert manager.without_status() == []
    service.progress()
    assert manager.without_status() == ["READY=1", "WATCHDOG=1"]


def test_the_watchdog_starves_while_the_source_stalls(
    manager: Manager, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A radio that plays, is silent for a minute, and plays again, and a watchdog of 2 s."""
    clock, notebook = Clock(), Notebook()
    monkeypatch.setattr(time, "monotonic_ns", clock.monotonic_ns)
    monkeypatch.setattr("edgespec.observer.worker._POLL_S", 0.01)
    monkeypatch.setattr("edgespec.observer.monitor._POLL_S", 0.01)
    service = Service(manager.address, 2.0, clock.perf_counter)
    tape = Tape(band.cf32(band.noise(rng, 0.4)), is_live=True)
    n_signs: list[int] = []

    def signs() -> int:
        return manager.without_status().count("WATCHDOG=1")

    def stall() -> None:
        # What was read before is still worked off.
        wait_for(lambda: monitor.workers[0].n_samples >= tape._at, "the band")
        clock.sleep(0.6)
        wait_for(lambda: len(notebook.states) > 0, "a state")
        n_signs.append(signs())
        for number in range(60):
            clock.sleep(1.0)
            wait_for(lambda n=number: len(notebook.states) > n + 1, "a state")
            # It takes no more than some that nobody reads.
            manager.take()
        n_signs.append(signs())

    tape.calls = {
        100_000: lambda: clock.sleep(0.6),
        200_000: stall,
        300_000: lambda: clock.sleep(5),
    }
    monitor = monitor_for(tape, notebook, service, state_s=0.5, on_progress=service.progress)
    monitor.run()
    before, after = n_signs
    assert manager.without_status()[0] == "READY=1"
    assert before >= 1
    # The first look after the last block may still see that it was worked off.
    assert after <= before + 1
    assert signs() > after
    assert manager.without_status()[-1] == "STOPPING=1"
    assert any("nothing heard for 58 s" in line for line in manager.take())
