"""Bands that a radio is tuned to in turn: a time away is neither a loss nor the end of anything."""

import itertools
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import AlarmConfig, BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.evidence.tape import Cut
from edgespec.evidence.tape import Tape as EvidenceTape
from edgespec.level_scale import LevelScale
from edgespec.observer.away import AwayTime
from edgespec.observer.startup import open_observer
from edgespec.records import Event, EventType, IqBlock
from edgespec.sources.dwell import DwellSource
from tests.made import band, tiny
from tests.made.broker import wait_for
from tests.made.event import event_of
from tests.made.rtl_tcp_server import RtlTcpTuner
from tests.made.tape import WARMUP_S, Notebook, chain_for
from tests.made.turning_tape import CENTERS_HZ, TurningTape, turning_monitor

HOP_S = tiny.RECIPE.hop_samples / band.RATE_HZ


def events_of(notebook: Notebook, name: str) -> list[Event]:
    return [event for event in notebook.events if event.band == name]


def second(event: Event, *, end: bool = False) -> float:
    """Return when an event began or ended, in seconds of the tape."""
    return (event.sample_start + (event.n_samples if end else 0)) / band.RATE_HZ


def quiet(rng, seconds: float):
    return band.noise(rng, seconds)


def test_an_interferer_is_found_in_the_next_turn_of_its_band(rng) -> None:
    """It comes while the radio is away, and is there when it is back."""
    high = band.with_tone(quiet(rng, 3.0), 1.25, 3.0)
    notebook = Notebook()
    signals = [band.cf32(quiet(rng, 3.0)), band.cf32(high)]
    turning_monitor(signals, (0.3, 0.3), notebook).run()
    assert not events_of(notebook, "low")
    new = events_of(notebook, "high")[0]
    # Turns of the high band begin at 0.303, 0.909, 1.515, ...
    assert new.event_type is EventType.NEW
    assert 1.51 <= second(new) <= 1.53
    assert new.unheard_s == 0.0


def test_what_is_still_there_in_the_next_turn_is_the_same_event(rng) -> None:
    """And no more is claimed of it than was heard."""
    high = band.with_tone(quiet(rng, 3.0), 1.6, 2.3)
    notebook = Notebook()
    turning_monitor([band.cf32(quiet(rng, 3.0)), band.cf32(high)], (0.3, 0.3), notebook).run()
    told = events_of(notebook, "high")
    assert [event.event_type.value for event in told[:1] + told[-1:]] == ["new", "end"]
    assert len({event.event_id for event in told}) == 1
    end = told[-1]
    assert second(end) == pytest.approx(1.6, abs=2 * HOP_S)
    assert second(end, end=True) == pytest.approx(2.3, abs=2 * HOP_S)
    # From 1.818 to 2.124 nobody listened to it.
    assert end.unheard_s == pytest.approx(0.306, abs=2 * HOP_S)
    assert end.heard_s == pytest.approx(0.7 - 0.306, abs=2 * HOP_S)
    assert end.end_ns - end.start_ns == pytest.approx(0.7e9, abs=2e9 * HOP_S)


def test_what_is_gone_in_the_next_turn_ended_when_it_was_heard_last(rng) -> None:
    """Whether it was there in between, nobody knows."""
    high = band.with_tone(quiet(rng, 3.0), 1.6, 2.0)
    notebook = Notebook()
    turning_monitor([band.cf32(quiet(rng, 3.0)), band.cf32(high)], (0.3, 0.3), notebook).run()
    end = events_of(notebook, "high")[-1]
    assert end.event_type is EventType.END
    # It is told with the next turn, once the hold-off has passed in it.
    assert second(end, end=True) == pytest.approx(1.818, abs=2 * HOP_S)
    assert end.unheard_s == 0.0


def test_a_hold_off_is_of_what_is_heard(rng) -> None:
    """A burst that pauses over a seam is one event, as it would be within a turn."""
    high = quiet(rng, 3.0)
    for start_s in np.arange(1.52, 2.45, 0.03):
        high = band.with_tone(high, float(start_s), float(start_s) + 0.015)
    notebook = Notebook()
    signals = [band.cf32(quiet(rng, 3.0)), band.cf32(high)]
    turning_monitor(signals, (0.3, 0.3), notebook, hold_off_s=0.05).run()
    assert len({event.event_id for event in events_of(notebook, "high")}) == 1


@pytest.mark.parametrize("dwell_s", [0.025, 0.0331])
def test_seams_make_no_event(rng, dwell_s: float) -> None:
    """Not over a hundred of them, with levels that differ by 20 dB from band to band."""
    low, high = quiet(rng, 4.0), 0.1 * quiet(rng, 4.0)
    notebook = Notebook()
    monitor = turning_monitor([band.cf32(low), band.cf32(high)], (dwell_s, 2 * dwell_s), notebook)
    states = monitor.run()
    assert notebook.events == []
    source = monitor._radios[0].reader._source
    assert isinstance(source, DwellSource)
    assert source.n_retunes > 70
    assert [state.n_dropped for state in states] == [0, 0]
    assert [state.n_skipped["dropped"] for state in states] == [0, 0]
    levels = [state.level_dbfs for state in states]
    assert levels[0] - levels[1] == pytest.approx(20.0, abs=2.0)


def test_a_warm_up_is_of_what_is_heard(rng) -> None:
    """It goes on over as many turns as it takes, and is not begun anew."""
    notebook = Notebook()
    turning_monitor(
        [band.cf32(quiet(rng, 0.9))] * 2, (0.08, 0.08), notebook, options={"state_s": 1e-6}
    ).run()
    left = [state.warmup_left_s for state in notebook.states if state.band == "high"]
    assert left[0] == pytest.approx(WARMUP_S, abs=HOP_S)
    assert all(now <= before for before, now in itertools.pairwise(left))
    assert left[-1] == 0.0
    assert all(state.troubles == () for state in notebook.states)


def test_states_say_whose_turn_it_is_and_how_much_of_the_time_is(rng) -> None:
    monitor = turning_monitor([band.cf32(quiet(rng, 1.5))] * 2, (0.1, 0.2), Notebook())
    first = {state.band: state.duty for state in (worker.state() for worker in monitor.workers)}
    assert first == {"low": 0.0, "high": 0.0}
    low, high = monitor.run()
    assert low.duty == pytest.approx(0.1 / 0.31, abs=0.05)
    assert high.duty == pytest.approx(0.2 / 0.31, abs=0.08)
    # The reader stopped in the turn of one of them.
    assert sorted([low.tuned, high.tuned]) == [False, True]


def test_a_turn_is_told_when_it_begins(rng) -> None:
    """A live line need not wait for the next state to say which band is listened to."""
    notebook = Notebook()
    monitor = turning_monitor([band.cf32(quiet(rng, 0.1))] * 2, (1, 1), notebook)
    ring, turns = monitor._radios[0].reader.rings[1], [True, True, False]

    def between() -> None:
        if not turns:
            monitor.stop()
        else:
            ring.is_its_turn = turns.pop(0)

    monitor.workers[1].work(None, between)
    # Its last state comes with its end.
    assert [state.tuned for state in notebook.states] == [True, False, False]


def test_the_recording_of_an_alert_ends_with_the_turn(rng) -> None:
    """What is heard a cycle later is not what came behind it, and nobody waits for it."""
    kept: list[Cut] = []
    samples = band.cf32(quiet(rng, 0.1))
    tape = EvidenceTape(TurningTape({CENTERS_HZ[0]: samples}).info, 0.01, 5.0, 10**7, kept.append)
    options = {"tapes": {"high": tape}}
    monitor = turning_monitor([samples] * 2, (1, 1), Notebook(), options=options)
    ring, turns = monitor._radios[0].reader.rings[1], [True, False, False]
    tape.add(IqBlock(samples, band.RATE_HZ, CENTERS_HZ[0], 0, 0))
    tape.want(event_of(sample_start=20_000))

    def between() -> None:
        assert not kept or not ring.is_its_turn
        if not turns:
            monitor.stop()
        else:
            ring.is_its_turn = turns.pop(0)

    monitor.workers[1].work(None, between)
    (cut,) = kept
    assert (cut.sample_start, len(cut.samples)) == (10_000, 90_000)


def test_a_band_that_waits_for_its_turn_is_no_reason_to_end_the_observer(rng) -> None:
    """Whoever watches over it is told of progress while the other one is listened to."""
    told: list[int] = []
    options = {"on_progress": lambda: told.append(1)}
    monitor = turning_monitor([band.cf32(quiet(rng, 0.1))] * 2, (1, 1), Notebook(), options=options)
    low, high = monitor._radios[0].reader.rings
    monitor.workers[0].n_samples = 1
    for low.is_its_turn, high.is_its_turn, n_told in ((True, True, 0), (True, False, 1)):
        monitor._looked_ns = 0
        monitor._look_after()
        assert len(told) == n_told


def test_a_receiver_that_is_deaf_over_a_seam_is_one_event(rng) -> None:
    """Trouble waits as events do."""
    high = quiet(rng, 2.4)
    high[round(1.55 * band.RATE_HZ) : round(2.3 * band.RATE_HZ)] = 0.0
    notebook = Notebook()
    signals = [band.cf32(quiet(rng, 2.4)), band.cf32(high)]
    turning_monitor(signals, (0.3, 0.3), notebook).run()
    told = [event for event in events_of(notebook, "high") if event.kind == "receiver"]
    assert [event.event_type.value for event in told if event.event_type != "update"] == [
        "new",
        "end",
    ]
    assert told[-1].unheard_s == pytest.approx(0.306, abs=2 * HOP_S)


def test_minutes_are_as_long_as_they_were_heard(rng) -> None:
    from edgespec.dsp.minute import MinuteMeter

    tape = TurningTape(dict.fromkeys(CENTERS_HZ, band.cf32(quiet(rng, 0.1))))
    grid = chain_for(tape).grid
    meter = MinuteMeter("high", grid, 4, minute_s=1.0)
    target = np.full((4, grid.n_bins), -60.0, np.float32)
    hop = 4 * grid.frame_ticks
    tick, made = 0, []
    for _ in range(9):
        for _ in range(100):
            minute = meter.add(target, tick, 0)
            made += [] if minute is None else [minute]
            tick += hop
        n_away = round(0.25 * grid.tick_hz)
        meter.pause(n_away)
        tick += n_away
    for minute in made:
        assert minute.duration_s == pytest.approx(minute.n_means * hop / grid.tick_hz)
    assert len(made) >= 2


def test_time_away_is_known_of_events_however_long_ago_they_began() -> None:
    away = AwayTime()
    begun = replace(event_of(), event_type=EventType.NEW, sample_start=5, n_samples=5)
    assert away.told(begun, 1.0) is begun
    away.add(10, 20)
    began = away.told(replace(begun, event_id="x", sample_start=25, n_samples=5), 1.0)
    assert began.unheard_s == 0.0
    for number in range(1000):
        away.add(7, 100 + 10 * number)
    later = replace(began, event_type=EventType.UPDATE, n_samples=10_100 - 25)
    assert away.told(later, 1.0).unheard_s == 7000.0
    # It ended before the last three pauses did.
    over = replace(later, event_type=EventType.END, n_samples=10_065 - 25)
    assert away.told(over, 1.0).unheard_s == 7 * 997
    assert not away._pauses._begun


def test_any_division_of_a_turn_into_blocks_says_the_same(rng) -> None:
    """A block that begins a turn need not be as long as others."""
    samples = band.cf32(band.with_tone(quiet(rng, 2.0), 1.0, 1.6))

    def run(block_samples: int) -> list[Event]:
        tape = TurningTape(dict.fromkeys(CENTERS_HZ, samples))
        chain, found = chain_for(tape), []
        at, n_away = 0, 0
        while at < len(samples):
            # A turn of 0.2 s, and 0.1 s elsewhere.
            n = min(block_samples, 200_000 - at % 300_000, len(samples) - at)
            block = IqBlock(samples[at : at + n], band.RATE_HZ, CENTERS_HZ[0], at, 0, n_away=n_away)
            found += list(chain.process(block))
            at, n_away = at + n, 0
            if at % 300_000 == 200_000:
                at, n_away = at + 100_000, 100_000
        found += list(chain.finish())
        return [replace(one, event_id="", latency_s=0.0, start_ns=0, end_ns=0) for one in found]

    whole = run(tiny.RECIPE.hop_samples)
    assert whole
    assert run(700) == whole


def test_a_dongle_finds_in_one_band_what_comes_while_it_listens_to_another(
    rng, tmp_path: Path
) -> None:
    """From a configuration, through a server that is told where to tune to, and lost once."""
    low_hz, high_hz = (round(hz) for hz in CENTERS_HZ)
    noise, tone = quiet(rng, 0.5), band.with_tone(quiet(rng, 0.5), 0.0, 0.5)
    air = {low_hz: band.cu8(noise).tobytes(), high_hz: band.cu8(0.5 * noise).tobytes()}
    notebook = Notebook()

    def found() -> list[Event]:
        """Return what is no loss: of the dongle, or of a machine that is busy."""
        return [event for event in notebook.events if event.kind != "dropped"]

    # The first connection breaks in the second turn or the third.
    n_bytes = (2 * round(2.5 * band.RATE_HZ), None)
    with RtlTcpTuner(air, rate_hz=band.RATE_HZ, n_bytes=n_bytes) as tuner:
        source = SourceConfig(
            uri=f"rtl_tcp:127.0.0.1:{tuner.port}?stall_s=60",
            sample_rate_hz=1e6,
            dwell_s=1.0,
            gain_db=30.0,
        )
        config = Config(
            node=NodeConfig(state_dir=tmp_path, computing="plain"),
            source=(source,),
            band=(
                BandConfig(id="low", center_freq_hz=low_hz, gain_db=20.0, full_scale_dbm=-10.0),
                BandConfig(id="high", center_freq_hz=high_hz, full_scale_dbm=-20.0),
            ),
            detect=DetectConfig(warmup_s=0.3, detectors=("zscore",)),
            alarm=AlarmConfig(state_s=0.2),
        )
        observer = open_observer(config, [notebook])
        thread = threading.Thread(target=observer.monitor.run)
        thread.start()
        try:
            wait_for(lambda: all(w.has_scored for w in observer.monitor.workers), "both are warm")
            wait_for(lambda: tuner.n_clients == 2, "the dongle is back")
            wait_for(lambda: low_hz == tuner.commands[-1][1], "it is tuned low")
            assert not found()
            air[high_hz] = band.cu8(tone).tobytes()
            wait_for(lambda: bool(found()), "the interferer is found")
        finally:
            observer.monitor.stop()
            thread.join()
    assert {event.band for event in found()} == {"high"}
    assert found()[0].peak_freq_hz == pytest.approx(high_hz + band.TONE_HZ, abs=2e4)
    centers_hz = [state.center_freq_hz for state in notebook.states if state.band == "high"]
    assert centers_hz == pytest.approx([high_hz] * len(centers_hz), abs=1.0)
    # Each band is at its own gain, and calibrated at that.
    scales = {state.band: state.scale for state in notebook.states}
    assert scales == {
        "low": LevelScale(-10.0, gain_db=20.0),
        "high": LevelScale(-20.0, gain_db=30.0),
    }
    assert {event.scale for event in found()} == {scales["high"]}
    turns = list(itertools.pairwise(one for one in tuner.commands if one[0] in (1, 4)))
    assert {(gain[1], center[1]) for gain, center in turns if (gain[0], center[0]) == (4, 1)} >= {
        (200, low_hz), (300, high_hz),
    }  # fmt: skip
