"""Whatever raises, the source and every sink are closed, and the others go on."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from click.testing import CliRunner

from edgespec.alarm.console import JsonLinesSink
from edgespec.cli import main
from edgespec.errors import SourceError
from edgespec.observer.monitor import Monitor
from edgespec.records import Event, ObserverState, RssReport
from tests.made import band, tiny_network
from tests.made.observer import write_config
from tests.made.tape import Notebook, Tape, monitor_for

N_SAMPLES = 600_000
REPORT = RssReport("n", "s", "b", 0, 1.0, (0.0, 1.0), (-50.0,), "dBFS", 0.0, 1, 1)


class Broken(Notebook):
    """A sink that raises in one of its methods, each time, after it has noted the call."""

    def __init__(self, fails_in: str) -> None:
        super().__init__()
        self.fails_in = fails_in

    def event(self, event: Event) -> None:
        super().event(event)
        self._fail("event")

    def state(self, state: ObserverState) -> None:
        super().state(state)
        self._fail("state")

    def rss(self, report: RssReport) -> None:
        super().rss(report)
        self._fail("rss")

    def close(self) -> None:
        super().close()
        self._fail("close")

    def _fail(self, where: str) -> None:
        if where == self.fails_in:
            raise OSError(f"the disk is full in {where}")


class LevelsOfOne:
    """Received power that has one report, for the second block."""

    def __init__(self) -> None:
        self.reports = [REPORT, None]

    def add(self, *_: object) -> None:
        """Take nothing."""

    def take(self) -> RssReport | None:
        return self.reports.pop() if self.reports else None


@pytest.fixture
def tape(rng: np.random.Generator) -> Tape:
    """0.6 s with a tone from 0.4 s to the end."""
    return Tape(band.cf32(band.with_tone(band.noise(rng, 0.6), 0.4, 0.6)))


def fail(*_: object, **__: object) -> NoReturn:
    raise ZeroDivisionError("a bug")


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("fails_in", ["event", "state", "rss", "close"])
def test_o7_a_sink_that_raises_takes_nobody_with_it(
    tape: Tape, fails_in: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told every later message, too, and complained of once."""
    broken, well, told = Broken(fails_in), Notebook(), []
    monitor = monitor_for(tape, broken, well, on_event=told.append, state_s=0.001)
    monitor.workers[0].chain.levels = LevelsOfOne()  # type: ignore[assignment]
    (state,) = monitor.run()
    assert broken.types == well.types == ["new", "update", "end"]
    assert told == well.events
    assert len(broken.states) == len(well.states) > 2
    assert broken.reports == well.reports == [REPORT]
    assert broken.n_closes == well.n_closes == 1
    assert tape.closed.is_set()
    assert (state.n_samples, state.n_events) == (N_SAMPLES, 1)
    (complaint,) = complaints(caplog)
    assert "Broken" in complaint
    assert f"the disk is full in {fails_in}" in complaint


@pytest.mark.parametrize("what", ["on_event", "health", "on_radio"])
def test_a_listener_that_raises_takes_nobody_with_it(
    tape: Tape, what: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.observer.monitor._SILENT_S", 0.3)
    if what == "on_radio":
        object.__setattr__(tape.info, "is_live", True)
        tape.silent_at = {100_000: 1.0}
    notebook = Notebook()
    (state,) = monitor_for(tape, notebook, **{what: fail}).run()
    assert notebook.types == ["new", "update", "end"]
    assert notebook.n_closes == 1
    assert tape.closed.is_set()
    assert notebook.states[-1].n_samples == state.n_samples == N_SAMPLES
    assert (state.mqtt_connected, state.spool_events) == (None, 0)
    (complaint,) = complaints(caplog)
    assert "ZeroDivisionError: a bug" in complaint


def _source_read(tape: Tape, monitor: Monitor) -> None:
    tape.read = fail  # type: ignore[method-assign]


def _source_close(tape: Tape, monitor: Monitor) -> None:
    close = tape.close

    def close_and_fail() -> None:
        close()
        fail()

    tape.close = close_and_fail  # type: ignore[method-assign]


def _reader_start(tape: Tape, monitor: Monitor) -> None:
    monitor._radios[0].reader.start = fail  # type: ignore[method-assign]


def _chain_process(tape: Tape, monitor: Monitor) -> None:
    monitor.workers[0].chain.process = fail  # type: ignore[method-assign]


def _chain_finish(tape: Tape, monitor: Monitor) -> None:
    monitor.workers[0].chain.finish = fail  # type: ignore[method-assign]


def _chain_levels(tape: Tape, monitor: Monitor) -> None:
    monitor.workers[0].chain.levels_dbfs = fail  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "spoil",
    [_source_read, _source_close, _reader_start, _chain_process, _chain_finish, _chain_levels],
)
def test_o7_what_ends_the_monitor_leaves_nothing_open(
    tape: Tape, spoil: Callable[[Tape, Monitor], None]
) -> None:
    notebook, broken = Notebook(), Broken("close")
    monitor = monitor_for(tape, broken, notebook)
    spoil(tape, monitor)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        monitor.run()
    assert tape.closed.is_set()
    assert broken.n_closes == notebook.n_closes == 1
    assert not monitor._radios[0].reader._thread.is_alive()
    if spoil not in (_chain_levels, _reader_start):
        assert notebook.states[-1].n_samples == monitor.workers[0].n_samples
    if spoil is _source_close:
        assert notebook.types == ["new", "update", "end"]


def test_both_failures_are_told_where_there_are_two(tape: Tape) -> None:
    """The source broke, and then it could not be closed: the first is the second's context."""
    monitor = monitor_for(tape, Notebook())
    _source_close(tape, monitor)
    tape._breaks = True
    with pytest.raises(ZeroDivisionError) as told:
        monitor.run()
    assert isinstance(told.value.__context__, SourceError)


@pytest.mark.parametrize(
    ("what", "exit_code"), [("sink", 0), ("read", 4), ("close", 4), ("chain", 1)]
)
def test_exit_codes(
    tape: Tape,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    exit_code: int,
) -> None:
    def unplugged(*_: object) -> NoReturn:
        raise SourceError("the cable was pulled")

    def nothing(*_: object) -> Iterator[Any]:
        fail()

    monkeypatch.setattr("edgespec.observer.radio_opening.open_source", lambda *_, **__: tape)
    monkeypatch.setattr("edgespec.cli.stop_on_signals", lambda stop: None)
    if what == "sink":
        monkeypatch.setattr(JsonLinesSink, "state", fail)
    elif what == "chain":
        monkeypatch.setattr("edgespec.observer.band.BandChain.process", nothing)
    else:
        monkeypatch.setattr(tape, what, unplugged)
    config = write_config(
        tmp_path / "edgespec.toml",
        node={"state_dir": str(tmp_path), "computing": "plain"},
        source={"uri": "sim:lte-dl"},
        band={"model": str(tiny_network.bundle().path)},
    )
    result = CliRunner().invoke(main, ["monitor", "-c", str(config), "--json"])
    assert result.exit_code == exit_code, result.output
    assert ("the cable was pulled" in result.output) == (exit_code == 4)
