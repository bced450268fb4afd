"""A band's test of itself: its tone is found in a copy, nothing of the band meets it."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.rules import AlertRules
from edgespec.clock import ClockQuality
from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.evidence.tape import Tape
from edgespec.kinds import DEAF, TEST
from edgespec.observer import drill as drill_module
from edgespec.observer.band import BandChain
from edgespec.observer.drill import Drill
from edgespec.observer.drill_play import play
from edgespec.observer.drill_tone import Tone, with_tone
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.recall import reference_of
from edgespec.records import Event, EventType, SampleFormat, SourceInfo
from tests.made import band
from tests.made.broker import wait_for
from tests.made.event import event_of
from tests.made.tape import Tape as PlayedTape
from tests.made.tape import chain_for

RATE_HZ, N_SAMPLES = 250e3, 1_500_000


@pytest.mark.parametrize("form", SampleFormat)
def test_a_tone_is_added_as_a_converter_would_have_taken_it(
    form: SampleFormat, rng: np.random.Generator
) -> None:
    samples = form.empty(4096)
    samples[...] = form.zero if samples.ndim == 2 else 0
    out = with_tone(samples, form, RATE_HZ, Tone(RATE_HZ / 16, -20.0, 1024))
    np.testing.assert_array_equal(out[:1024], samples[:1024])
    iq = out if out.ndim == 1 else ((out - float(form.zero)) / form.full_scale) @ [1, 1j]
    spectrum = np.abs(np.fft.fft(iq[2048:3072])) / 1024
    assert np.argmax(spectrum) == 64
    # 8 bits round it: it is 13 steps high.
    assert 20 * np.log10(spectrum[64]) == pytest.approx(-20.0, abs=0.2)
    loud = with_tone(samples, form, RATE_HZ, Tone(0.0, 20.0, 0))
    assert form is SampleFormat.CF32 or loud.max() == np.iinfo(loud.dtype).max


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("state")
    noise = np.random.default_rng(4).normal(128.0, 20.0, (N_SAMPLES, 2))
    noise.clip(0, 255).astype(np.uint8).tofile(folder / "noise")
    uri = f"raw:{folder}/noise?datatype=cu8&sample_rate={RATE_HZ}"
    return Config(
        node=NodeConfig(state_dir=folder, computing="plain"),
        source=(SourceConfig(uri=uri, center_freq_hz=806e6),),
        band=(BandConfig(id="lte"),),
        detect=DetectConfig(detectors=("zscore", "energy"), warmup_s=2.0),
    )


@pytest.fixture(scope="module")
def watched(config: Config) -> tuple[BandChain, Tape]:
    """A band that was listened to for some seconds, and what of it was kept for a while."""
    radio = open_radio(config, config.source[0])
    (chain,) = radio.chains
    tape = Tape(radio.source.info, 1.0, 1.0, 1 << 26, lambda cut: None, lambda: reference_of(chain))
    buffer = radio.source.info.sample_format.empty(chain.hop_samples)
    while (block := radio.source.read(buffer)) is not None:
        tape.add(block)
        assert not list(chain.process(block))
    radio.source.close()
    return chain, tape


def outcome_of(drill: Drill, watched: tuple[BandChain, Tape]) -> list[Event]:
    """Return what a test that is due says."""
    said = drill.look(*watched)
    assert said == []
    wait_for(lambda: bool(said.extend(drill.look(*watched)) or said), "the outcome")
    return said


def drill_of(config: Config, **how: object) -> tuple[Drill, list[float]]:
    now_s = [0.0]
    made = Drill(config, SampleFormat.CU8, 3600.0, clock=lambda: now_s[0], **how)  # type: ignore[arg-type]
    return made, now_s


def test_the_tone_is_found_and_the_band_is_as_before(
    config: Config, watched: tuple[BandChain, Tape]
) -> None:
    """By the detectors and what is normal here, in the quietest place of the band."""
    chain, tape = watched
    drill, now_s = drill_of(config, play=play, quality=lambda: ClockQuality.SYNCHRONISED)
    assert drill.look(chain, tape) == []
    before = pickle.dumps(chain.scorer.reference())
    now_s[0] = 601.0
    begin, end = outcome_of(drill, watched)
    drill.close()
    assert [one.event_type for one in (begin, end)] == [EventType.NEW, EventType.END]
    assert begin.event_id == end.event_id
    assert (begin.kind, begin.band, begin.detector) in [
        (TEST, "lte", name) for name in ("zscore", "energy")
    ]
    assert begin.score > begin.threshold
    # Its times are those of the live clock.
    assert begin.clock is ClockQuality.SYNCHRONISED
    assert begin.freq_lower_hz <= begin.peak_freq_hz <= begin.freq_upper_hz
    # Its place is on the source's count: within what was just heard, in the part with the tone.
    assert N_SAMPLES - 0.35 * RATE_HZ < begin.sample_start < N_SAMPLES
    assert drill.last_ns is not None
    assert pickle.dumps(chain.scorer.reference()) == before
    assert not chain.is_alarming


def test_it_is_tried_a_little_louder_and_then_the_band_is_deaf(
    config: Config, watched: tuple[BandChain, Tape], caplog: pytest.LogCaptureFixture
) -> None:
    played: list[Path] = []

    def deaf(config: Config, meta: Path) -> list[Event]:
        played.append(meta)
        # What is there at another place, or was before, is not the tone.
        return [event_of(lower_hz=1.0, upper_hz=2.0), replace(event_of(), n_samples=1)]

    drill, now_s = drill_of(config, play=deaf)
    now_s[0] = 601.0
    begin, end = outcome_of(drill, watched)
    drill.close()
    assert len(played) == len(drill_module.LEVELS_DB)
    assert not any(path.exists() for path in played)
    assert (begin.kind, end.kind, drill.last_ns) == (DEAF, DEAF, None)
    assert "is deaf" in caplog.text


def test_it_is_due_ten_minutes_after_the_start_and_then_every_so_often(
    config: Config, watched: tuple[BandChain, Tape], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []
    drill, now_s = drill_of(config)
    monkeypatch.setattr(drill._aside, "put", lambda copy: begun.append(now_s[0] / 60.0) or True)
    for minute in range(200):
        now_s[0] = 60.0 * minute
        drill.look(*watched)
    assert begun == [10.0, 70.0, 130.0, 190.0]


def test_it_is_put_off_while_the_band_cannot_be_judged(
    config: Config, watched: tuple[BandChain, Tape], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, _ = watched
    source = SourceInfo("test:", RATE_HZ, 806e6, SampleFormat.CU8, True)
    empty = Tape(source, 1.0, 1.0, 1 << 20, lambda cut: None)
    drill, now_s = drill_of(config, play=lambda config, meta: pytest.fail("nothing is played"))
    now_s[0] = 601.0
    # Nothing was heard yet; then an alarm is on.
    assert drill.look(chain, empty) == []
    monkeypatch.setattr(type(chain), "is_alarming", property(lambda self: True))
    now_s[0] = 700.0
    assert drill.look(*watched) == []
    drill.close()


def test_a_test_that_breaks_is_said_and_costs_nothing(
    config: Config, watched: tuple[BandChain, Tape], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(config: Config, meta: Path) -> list[Event]:
        raise OSError("no such process")

    drill, now_s = drill_of(config, play=broken)
    now_s[0] = 601.0
    drill.look(*watched)
    wait_for(lambda: "could not be tested: no such process" in caplog.text, "the word of it")
    assert drill.look(*watched) == []
    drill.close()


def test_the_process_that_plays_says_what_it_cannot(config: Config, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.sigmf-meta"):
        drill_module.play_apart(config, tmp_path / "none.sigmf-meta")


class Said:
    """In place of a test: says something once."""

    last_ns = 17

    def __init__(self, *events: Event) -> None:
        self._events = list(events)
        self.is_closed = False

    def look(self, chain: BandChain, tape: Tape) -> list[Event]:
        said, self._events = self._events, []
        return said

    def close(self) -> None:
        self.is_closed = True


def test_what_a_test_says_goes_the_whole_way_and_is_not_counted(
    rng: np.random.Generator,
) -> None:
    """Through the judge to every sink, as of its band; it is no alert, and of no incident."""
    played = PlayedTape(band.cf32(band.noise(rng, 0.3)))
    chain = chain_for(played, "lte")
    drill = Said(event_of(TEST, band=""), event_of(DEAF, band="", event_id="e2"))
    told: list[Event] = []
    tape = Tape(played.info, 0.1, 0.1, 1 << 20, lambda cut: None)
    monitor = Monitor(
        [Radio("roof", played, [chain])],
        [],
        state_s=60.0,
        on_event=told.append,
        judge=AlertJudge(AlertRules.of(Config()), IncidentTable({})),
        tapes={"lte": tape},
        drills={"lte": drill},  # type: ignore[dict-item]
    )
    (state,) = monitor.run()
    assert [(one.kind, one.band) for one in told] == [(TEST, "lte"), (DEAF, "lte")]
    assert [(one.alert.is_on, one.alert.reason) for one in told] == [(False, "test"), (True, "")]
    assert told[0].alert.incident == ""
    assert (state.n_events, state.events_last_day, state.last_test_ns) == (0, 0, 17)
    assert drill.is_closed
