"""From samples to events: what is broad, what is the receiver's gain, what another centre."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.config import BandConfig, Config, DetectConfig, override
from edgespec.inference.backends import open_backend
from edgespec.observer.snapshot import snapshot_of
from edgespec.observer.startup import open_observer
from edgespec.records import Change, Event, EventType, IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from tests.made import band, tiny, tiny_network
from tests.made.chain import chain_of

HOP = tiny.RECIPE.hop_samples
BIN_HZ = tiny.FRAMING.bin_hz
#: Of a carrier, off the centre of 806 MHz, and what is received beside it in all of the band.
CARRIER_HZ, CARRIER, NOISE = -1e6 / 10, 0.02, 1e-4
DETECT = DetectConfig(warmup_s=0.3, hold_off_s=0.05, detectors=("model", "zscore", "energy"))
ComplexArray = NDArray[np.complex128]


def white(rng: np.random.Generator, n: int, power: float) -> ComplexArray:
    return rng.standard_normal((n, 2)) @ np.array([1.0, 1j]) * np.sqrt(power / 2)


def air(rng: np.random.Generator, seconds: float) -> ComplexArray:
    n = round(seconds * band.RATE_HZ)
    turns = CARRIER_HZ / band.RATE_HZ * np.arange(n)
    return white(rng, n, NOISE) + np.sqrt(CARRIER) * np.exp(2j * np.pi * turns)


def heard(samples: ComplexArray) -> list[Event]:
    bundle = tiny_network.bundle()
    source = SourceInfo("test:", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CF32, False)
    chain = chain_of(
        bundle,
        open_backend(bundle),
        source,
        BandConfig(id="cell"),
        DETECT,
        max_block_samples=HOP,
        computing="plain",
    )
    events: list[Event] = []
    for start in range(0, len(samples), HOP):
        part = samples[start : start + HOP].astype(np.complex64)
        events += chain.process(IqBlock(part, band.RATE_HZ, band.CENTER_HZ, start, start * 1000))
    return [*events, *chain.finish()]


@pytest.mark.parametrize("length_s", [0.5, 0.02, 0.002])
@pytest.mark.parametrize("rise_db", [3.0, 10.0, 20.0])
def test_a2_noise_over_the_whole_band_is_one_gain_with_its_edges(
    rng: np.random.Generator, rise_db: float, length_s: float
) -> None:
    """It was a loss of the carrier, which stands out less."""
    samples = air(rng, 0.7 + length_s)
    start, stop = (round(s * band.RATE_HZ) for s in (0.6, 0.6 + length_s))
    samples[start:stop] += white(rng, stop - start, NOISE * (10 ** (rise_db / 10) - 1))
    events = heard(samples)
    assert len({event.event_id for event in events}) == 1
    for event in events:
        assert event.change is Change.GAIN
        assert event.excess_db > 0
        width_hz = event.freq_upper_hz - event.freq_lower_hz
        assert width_hz == pytest.approx(band.RATE_HZ, abs=2 * BIN_HZ)
        assert abs(event.sample_start - start) <= 2 * HOP
    assert abs(events[-1].n_samples - (stop - start)) <= 4 * HOP


@pytest.mark.parametrize("step_db", [3.0, -3.0, 6.0])
def test_a7_a_step_of_the_gain_is_said_once_and_followed(
    rng: np.random.Generator, step_db: float
) -> None:
    """A tone that comes afterwards is found where it is, against the new level."""
    samples = air(rng, 1.5)
    samples[round(0.6 * band.RATE_HZ) :] *= 10 ** (step_db / 20)
    first, last, *rest = heard(band.with_tone(samples, 1.2, 1.4))
    assert [first.event_type, last.event_type] == [EventType.NEW, EventType.END]
    assert first.kind == last.kind == "gain-step"
    assert first.excess_db == pytest.approx(step_db, abs=0.2)
    assert first.change == (Change.GAIN if step_db > 0 else Change.LOSS)
    tone_hz = band.CENTER_HZ + band.TONE_HZ
    assert rest
    for event in rest:
        assert event.freq_lower_hz < tone_hz < event.freq_upper_hz
        assert event.sample_start >= 1.19 * band.RATE_HZ


def test_noise_without_a_signal_is_never_taken_for_gain(rng: np.random.Generator) -> None:
    """Where nothing stands out of the floor, more gain cannot be told from more noise."""
    samples = white(rng, round(1.2 * band.RATE_HZ), NOISE)
    samples[round(0.6 * band.RATE_HZ) :] *= 10 ** (6.0 / 20)
    events = heard(samples)
    assert events
    assert "gain-step" not in {event.kind for event in events}


def test_a6_every_capture_has_its_centre_and_its_own_normal(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    """Captures at 806 and 900 MHz, 10 dB apart, with a tone in the second only."""
    n_first = round(0.7 * band.RATE_HZ)
    samples = air(rng, 1.6)
    samples[n_first:] = band.with_tone(samples[n_first:], 0.6, 0.8) * 10 ** (10 / 20)
    path = tmp_path / "two"
    uri = band.write_sigmf(path, samples.astype(np.complex64))
    meta = json.loads(path.with_suffix(".sigmf-meta").read_text())
    meta["captures"].append({"core:sample_start": n_first, "core:frequency": 900e6})
    path.with_suffix(".sigmf-meta").write_text(json.dumps(meta))
    source = open_source(uri)
    bundle = tiny_network.bundle()
    chain = chain_of(
        bundle,
        open_backend(bundle),
        source.info,
        BandConfig(id="cell"),
        DETECT,
        max_block_samples=HOP,
        computing="plain",
    )
    buffer, events = source.info.sample_format.empty(HOP), []
    while (block := source.read(buffer)) is not None:
        events += chain.process(block)
    source.close()
    events += chain.finish()
    assert events
    tone_hz = 900e6 + band.TONE_HZ
    for event in events:
        assert event.freq_lower_hz < tone_hz < event.freq_upper_hz
        assert event.freq_upper_hz - event.freq_lower_hz < 20 * BIN_HZ
    assert len({event.event_id for event in events}) == 1


@pytest.mark.slow_without_jit
@pytest.mark.parametrize(
    "jammer",
    ["tone&isr_db=30&offset_hz=700e3", "tone&isr_db=40&offset_hz=700e3", "barrage&isr_db=50"],
)
def test_a1_a_jammer_beyond_full_scale_is_an_overload_with_default_settings(
    jammer: str, tmp_path: Path
) -> None:
    """It was 312 segments of 312 clipped, no event, and the level of long ago."""
    uri = f"sim:lte-dl?kind={jammer}&start_s=5&seed=1&duration_s=5.4"
    events: list[Event] = []
    config: Config = override(Config(), source=uri, state_dir=tmp_path)
    observer = open_observer(config, [], on_event=events.append)
    observer.monitor.run()
    new = next(event for event in events if event.kind == "overload")
    assert new.event_type is EventType.NEW
    assert 5.0 <= (new.sample_start + new.n_samples) / 5e6 <= 5.1
    assert new.share is not None
    assert new.share > 0.2
    assert new.excess_db > 20.0
    # What a detector still makes of it lies beside it.
    assert any(
        event.kind != "overload"
        and abs(event.sample_start / 5e6 - 5.0) < 0.01
        and event.freq_lower_hz < 0.7e6 < event.freq_upper_hz
        for event in events
    )
    state = snapshot_of(observer.monitor.workers[0].chain)
    assert state.level_dbfs > -1.0
    assert state.unscored.share == 0.0


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("seed", [3, 4])
def test_a9_a_barrage_over_a_cell_is_found_with_default_settings(seed: int, tmp_path: Path) -> None:
    uri = f"sim:lte-dl?kind=barrage&isr_db=10&seed={seed}&start_s=4.5&stop_s=6&duration_s=6.2"
    config: Config = override(Config(), source=uri, state_dir=tmp_path)
    events: list[Event] = []
    open_observer(config, [], on_event=events.append).monitor.run()
    assert len({event.event_id for event in events}) == 1
    for event in events:
        assert event.change is Change.GAIN
        assert event.freq_upper_hz - event.freq_lower_hz > 4e6
        assert abs(event.sample_start / 5e6 - 4.5) < 0.1
    assert events[-1].n_samples / 5e6 > 1.3
