"""The running observer in one process: every way to its end, and what it says of itself."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.errors import SourceError
from edgespec.observer.band import BandChain
from edgespec.observer.monitor import Monitor, Radio, blocks_in_ring
from edgespec.observer.surroundings import Surroundings
from edgespec.records import Event, IqBlock
from tests.made import band, tiny
from tests.made.broker import PATIENCE_S, wait_for
from tests.made.clock import Clock
from tests.made.tape import WARMUP_S, Notebook, Tape, chain_for, monitor_for

RECIPE = tiny.RECIPE
GEOMETRY = tiny.GEOMETRY
HOP = RECIPE.hop_samples


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def clean(rng: np.random.Generator) -> NDArray[np.complex64]:
    return band.cf32(band.noise(rng, 0.4))


@pytest.fixture
def endless_tone(rng: np.random.Generator) -> NDArray[np.complex64]:
    """0.6 s with a tone from 0.4 s to the end."""
    return band.cf32(band.with_tone(band.noise(rng, 0.6), 0.4, 0.6))


def test_a_recording_ends_with_its_last_state(
    endless_tone: NDArray[np.complex64], notebook: Notebook
) -> None:
    tape = Tape(endless_tone)
    told: list[Event] = []
    monitor = monitor_for(
        tape,
        notebook,
        health=lambda: (True, 3),
        on_event=told.append,
        surroundings=Surroundings(n_untold=lambda: 2, board=lambda: ("too hot",)),
    )
    (state,) = monitor.run()
    assert notebook.types == ["new", "update", "end"]
    assert told == notebook.events
    assert tape.closed.is_set()
    assert notebook.n_closes == 1
    assert state.n_samples == len(endless_tone)
    assert state.n_segments == (600_000 // 256 - GEOMETRY.n_segment) // 4 + 1
    assert (state.n_events, state.n_dropped, state.alarm) == (1, 0, False)
    assert (state.mqtt_connected, state.spool_events, state.n_untold) == (True, 3, 2)
    assert state.board == ("too hot",)
    assert state.warmup_left_s == 0.0
    assert state.scores.keys() == state.thresholds.keys() == {"forecast", "zscore"}
    assert state.scores["zscore"] > state.thresholds["zscore"]
    assert state.speed > 0
    assert state.uptime_s > 0
    assert notebook.states[-1].n_samples == state.n_samples


def test_a_source_that_breaks_is_an_error_after_a_clean_end(
    endless_tone: NDArray[np.complex64], notebook: Notebook
) -> None:
    tape = Tape(endless_tone, breaks=True)
    monitor = monitor_for(tape, notebook)
    with pytest.raises(SourceError, match="the cable was pulled"):
        monitor.run()
    assert notebook.types == ["new", "update", "end"]
    assert notebook.n_closes == 1
    assert tape.closed.is_set()
    assert notebook.states[-1].n_samples == len(endless_tone)


def test_stop_ends_it_cleanly(endless_tone: NDArray[np.complex64], notebook: Notebook) -> None:
    """From within, as a signal handler does, while the event goes on and much is left to play."""
    tape = Tape(np.tile(endless_tone[-200_000:], 100))
    tape._samples[: len(endless_tone)] = endless_tone
    monitor = monitor_for(tape, notebook, on_event=lambda event: monitor.stop())
    (state,) = monitor.run()
    assert notebook.types == ["new", "update", "end"]
    assert state.n_samples < 600_000
    assert tape.closed.is_set()


def test_stop_tells_every_chain_to_leave_what_takes_long(
    endless_tone: NDArray[np.complex64], notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(BandChain, "stop", lambda chain: told.append(chain))
    tape = Tape(endless_tone)
    radio = Radio("r0", tape, [chain_for(tape, "a"), chain_for(tape, "b")])
    monitor = Monitor([radio], [notebook], state_s=60.0)
    monitor.stop()
    assert told == [*radio.chains]
    monitor.run()


def test_stop_ends_it_while_nothing_comes(clean: NDArray[np.complex64], notebook: Notebook) -> None:
    tape = Tape(clean, is_live=True)
    tape.silent_at = {100_000: 3600.0}
    monitor = monitor_for(tape, notebook)
    timer = threading.Timer(0.5, monitor.stop)
    tape.calls = {100_000: timer.start}
    (state,) = monitor.run()
    timer.join()
    assert state.n_samples <= 100_000 + HOP
    assert notebook.n_closes == 1


def test_duration_is_of_signal(clean: NDArray[np.complex64], notebook: Notebook) -> None:
    (state,) = monitor_for(Tape(clean), notebook).run(0.25)
    assert 0.25 <= state.n_samples / band.RATE_HZ < 0.25 + 2 * HOP / band.RATE_HZ


def test_states_come_by_the_clock(
    clean: NDArray[np.complex64], notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tape = Clock(), Tape(clean)
    monkeypatch.setattr(time, "monotonic_ns", clock.monotonic_ns)

    def let_time_go_by() -> None:
        # Before its band begins, time would pass it by.
        wait_for(lambda: monitor.workers[0].n_samples > 0, "the band")
        for n_states in (1, 2, 3):
            clock.sleep(0.31)
            wait_for(lambda n=n_states: len(notebook.states) == n, "a state")

    tape.calls = {200_000: let_time_go_by}
    monitor = monitor_for(tape, notebook, state_s=0.3)
    monitor.run()
    # Three while nothing came, and one at the end.
    assert len(notebook.states) == 4
    counts = [state.n_samples for state in notebook.states]
    assert counts == sorted(counts)
    for state in notebook.states:
        is_warm = state.warmup_left_s == 0.0
        assert bool(state.scores) == (is_warm and state.n_segments > 196)


def test_a_recording_that_is_too_short_says_that_nothing_was_scored(
    clean: NDArray[np.complex64], notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    (state,) = monitor_for(Tape(clean[:100_000]), notebook).run()
    assert not state.scores
    assert state.warmup_left_s == pytest.approx(WARMUP_S - 0.1, abs=0.01)
    assert "nothing was scored: 0.1 s were heard" in caplog.text
    assert "detect.warmup_s" in caplog.text


def test_less_than_a_segment_is_not_told_to_learn_from_less(
    clean: NDArray[np.complex64], notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    monitor_for(Tape(clean[: 2 * HOP]), notebook).run()
    assert "give a longer recording" in caplog.text
    assert "detect.warmup_s" not in caplog.text


def test_a_source_of_nan_says_why_nothing_was_scored(
    notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    samples = np.full(400_000, np.nan, np.complex64)
    (state,) = monitor_for(Tape(samples), notebook).run()
    n_skipped = state.n_skipped["nonfinite"]
    assert n_skipped > 300
    assert f"segments left out: {n_skipped} nonfinite" in caplog.text
    assert np.isfinite([state.level_dbfs, state.noise_floor_dbfs]).all()
    assert {(event.kind, event.detector) for event in notebook.events} == {
        ("receiver", "nonfinite")
    }
    assert [event.event_type for event in notebook.events] == ["new", "end"]


def test_a_run_that_was_scored_is_silent(
    clean: NDArray[np.complex64], notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    monitor_for(Tape(clean), notebook).run()
    assert not caplog.records


def test_a_radio_that_falls_silent_is_told_once_and_when_it_is_back(
    clean: NDArray[np.complex64],
    notebook: Notebook,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic_ns", clock.monotonic_ns)
    caplog.set_level(logging.INFO)
    told: list[tuple[str, bool]] = []
    tape = Tape(clean, is_live=True)

    def be_silent() -> None:
        clock.sleep(0.3)
        wait_for(lambda: told == [("r0", True)], "it is told that it was heard")
        clock.sleep(3.01)
        wait_for(lambda: len(told) == 2, "the silence is told")

    # Only when time goes on does the monitor look again.
    tape.calls = {200_000: be_silent, 230_000: lambda: clock.sleep(0.5)}
    monitor_for(tape, notebook, on_radio=lambda *turn: told.append(turn)).run()
    assert told == [("r0", True), ("r0", False), ("r0", True)]
    messages = [record.message for record in caplog.records]
    assert "tape:1 is silent" in messages[0]
    assert "tape:1 delivers samples again" in messages[1]


def test_a_slow_recording_is_no_silent_radio(
    clean: NDArray[np.complex64], notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.observer.monitor._SILENT_S", 0.1)
    told: list[tuple[str, bool]] = []
    tape = Tape(clean)
    tape.silent_at = {200_000: 0.8}
    monitor_for(tape, notebook, on_radio=lambda *turn: told.append(turn)).run()
    assert not told


def test_latency_is_counted_for_every_block_that_was_decided_on(
    clean: NDArray[np.complex64], notebook: Notebook
) -> None:
    monitor = monitor_for(Tape(clean), notebook)
    (state,) = monitor.run()
    assert monitor.workers[0].latency.n == state.n_segments
    assert 0.0 < state.latency_s["p50"] <= state.latency_s["p99"] <= state.latency_s["max"]
    assert monitor_for(Tape(clean[:HOP]), Notebook()).run()[0].latency_s == {}


def test_latency_counts_from_when_a_block_came_however_long_it_waited(
    clean: NDArray[np.complex64], notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of blocks that came an hour ago nothing is told any sooner, on however fast a machine."""
    tape = Tape(clean)
    read, hour_ns = tape.read, 3600 * 10**9

    def from_long_ago(out: NDArray[Any]) -> IqBlock | None:
        block = read(out)
        return None if block is None else replace(block, received_ns=block.received_ns - hour_ns)

    monkeypatch.setattr(tape, "read", from_long_ago)
    monitor = monitor_for(tape, notebook)
    monitor.run()
    bins = monitor.workers[0].latency.bins()
    assert sum(n for _, n in bins) >= 100
    assert all(edge_s is None or edge_s > 3600.0 for edge_s, n in bins if n)


def test_a_reader_goes_on_while_the_worker_infers(
    clean: NDArray[np.complex64], notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A radio does not wait: as long as the ring has room, a slow segment loses nothing."""
    tape = Tape(clean[: 100 * HOP], is_live=True)
    monitor = monitor_for(tape, notebook)
    process, resume = monitor.workers[0].chain.process, threading.Event()
    read, n_at_resume = tape.read, []

    def slow(block: IqBlock) -> Iterator[Event]:
        if not n_at_resume:
            resume.wait(PATIENCE_S)
            n_at_resume.append(tape._at)
        return process(block)

    def watched(out: NDArray[Any]) -> IqBlock | None:
        if tape._at >= 50 * HOP:
            resume.set()
        return read(out)

    monkeypatch.setattr(monitor.workers[0].chain, "process", slow)
    monkeypatch.setattr(tape, "read", watched)
    (state,) = monitor.run()
    assert n_at_resume[0] >= 50 * HOP
    assert state.n_dropped == 0
    assert state.n_samples == 100 * HOP


@pytest.mark.parametrize(("block_s", "n_blocks"), [(0.0064, 156), (0.25, 4), (1.0, 4), (10.0, 4)])
def test_the_ring_holds_a_second_and_at_least_four_blocks(block_s: float, n_blocks: int) -> None:
    assert blocks_in_ring(block_s) == n_blocks


def test_a_band_is_recalibrated_by_the_thread_that_works_on_it(
    endless_tone: NDArray[np.complex64], notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[tuple[object, str]] = []
    monkeypatch.setattr(
        "edgespec.observer.worker.recalibrate",
        lambda chain: renewed.append((chain, threading.current_thread().name)),
    )
    tape = Tape(endless_tone)
    radio = Radio("r", tape, [chain_for(tape, name) for name in ("a", "b", "c")])
    monitor = Monitor([radio], [notebook], state_s=60.0)
    monitor.renew("b")
    monitor.run()
    assert renewed == [(radio.chains[1], "band-b")]
