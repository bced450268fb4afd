"""An interferer that is there in the warm-up, or before it, is an event behind it (A5)."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.config import BandConfig, DetectConfig
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.band import BandChain
from edgespec.observer.kept.kept import KeptFile, kept_file
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import Event, IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from tests.made import band, tiny, tiny_network
from tests.made.chain import chain_of

HOP = tiny.RECIPE.hop_samples
DETECT = DetectConfig(warmup_s=0.3, hold_off_s=0.05, detectors=("model", "zscore", "energy"))
TONE_HZ = band.CENTER_HZ + band.TONE_HZ
#: The warm-up begins when there is a context.
WARM_S = DETECT.warmup_s + tiny.GEOMETRY.n_context * tiny.GEOMETRY.frame_s


def run(samples, kept: KeptFile | None = None) -> tuple[BandChain, list[Event]]:
    bundle = tiny_network.bundle()
    source = SourceInfo("test:", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CF32, True)
    chain = chain_of(
        bundle,
        open_backend(bundle),
        source,
        BandConfig(id="cell"),
        DETECT,
        max_block_samples=HOP,
        computing="plain",
        kept=kept,
    )
    events: list[Event] = []
    for start in range(0, len(samples), HOP):
        part = samples[start : start + HOP].astype(np.complex64)
        events += chain.process(IqBlock(part, band.RATE_HZ, band.CENTER_HZ, start, start * 1000))
    return chain, [*events, *chain.finish()]


def assert_is_the_tone(events: list[Event]) -> None:
    """It was open within three hops of the warm-up's end, and stays to the end of the signal."""
    assert len({event.event_id for event in events}) == 1
    first, last = events[0], events[-1]
    assert first.freq_lower_hz < TONE_HZ < first.freq_upper_hz
    assert first.freq_upper_hz - first.freq_lower_hz < 8 * tiny.FRAMING.bin_hz
    assert abs(first.sample_start / band.RATE_HZ - WARM_S) < 3 * HOP / band.RATE_HZ
    assert (last.sample_start + last.n_samples) / band.RATE_HZ > 0.75


@pytest.mark.parametrize("start_s", [0.1, 0.15, 0.2])
def test_a5_what_comes_in_the_warm_up_is_an_event_behind_it(rng, start_s: float) -> None:
    chain, events = run(band.with_tone(band.noise(rng, 0.8), start_s, 0.8))
    assert_is_the_tone(events)
    assert "only the rest was learnt from" in snapshot_of(chain).distrust


@pytest.mark.parametrize("stop_s", [0.1, 0.15, 0.2])
def test_a5_what_goes_in_the_warm_up_is_an_event_when_it_comes_back(rng, stop_s: float) -> None:
    samples = band.with_tone(band.noise(rng, 0.8), 0.0, stop_s)
    _, events = run(band.with_tone(samples, 0.5, 0.8))
    assert len({event.event_id for event in events}) == 1
    for event in events:
        assert abs(event.sample_start / band.RATE_HZ - 0.5) < 2 * HOP / band.RATE_HZ


@pytest.mark.parametrize("gain_db", [20.0, None])
def test_a5_a_restart_under_attack_is_not_blind(rng, tmp_path: Path, gain_db: float | None) -> None:
    kept = kept_file(tmp_path, "cell", "test:", gain_db, "ab")
    chain, events = run(band.noise(rng, 0.5), kept)
    assert (snapshot_of(chain).distrust, events) == ("", [])
    written = kept.path.read_bytes()
    chain, events = run(band.with_tone(band.noise(rng, 0.8), 0.0, 0.8), kept)
    assert_is_the_tone(events)
    assert "what that run learnt counts" in snapshot_of(chain).distrust
    assert kept.path.read_bytes() == written
    # When it is over, the restart after it is as the first start was.
    chain, events = run(band.noise(rng, 0.5), kept)
    assert (snapshot_of(chain).distrust, events) == ("", [])


def test_a5_without_a_last_run_the_attack_is_not_seen(rng) -> None:
    """What the test above rests on."""
    _, events = run(band.with_tone(band.noise(rng, 0.8), 0.0, 0.8))
    assert events == []


def heard(uri: str, kept: KeptFile | None = None) -> tuple[str, list[Event]]:
    """Return what the shipped bundle makes of a simulated cell with the default settings."""
    bundle, source = load_bundle(shipped_bundle_path()), open_source(uri)
    hop = bundle.manifest.recipe.hop_samples
    chain = chain_of(
        bundle,
        open_backend(bundle),
        source.info,
        BandConfig(id="cell"),
        DetectConfig(),
        max_block_samples=hop,
        kept=kept,
    )
    buffer, events = source.info.sample_format.empty(hop), []
    while (block := source.read(buffer)) is not None:
        events += chain.process(block)
    source.close()
    events += chain.finish()
    return snapshot_of(chain).distrust, events


TONE = "sim:lte-dl?duration_s=4.6&offset_hz=700e3&kind=tone&level_dbfs=-30"


def is_at(event: Event, offset_hz: float) -> bool:
    return event.freq_lower_hz < offset_hz < event.freq_upper_hz


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("isr_db", [0, 10])
def test_a5_a_tone_from_the_middle_of_the_warm_up_on_a_cell(isr_db: int) -> None:
    distrust, events = heard(f"{TONE}&isr_db={isr_db}&start_s=2&seed=1")
    assert "the band changed by +" in distrust
    assert events
    assert any(is_at(event, 700e3) for event in events)
    assert events[0].sample_start / 5e6 < 4.2


@pytest.mark.slow_without_jit
def test_a5_a_tone_before_the_restart_on_a_cell(tmp_path: Path) -> None:
    kept = kept_file(tmp_path, "cell", "sim:", 20.0, "ab")
    assert heard("sim:lte-dl?duration_s=4.6&seed=1&level_dbfs=-30", kept) == ("", [])
    distrust, events = heard(f"{TONE}&isr_db=0&start_s=0&seed=1", kept)
    assert "differs from the last run" in distrust
    assert any(is_at(event, 700e3) for event in events)
    assert events[0].sample_start / 5e6 < 4.2


@pytest.mark.slow_without_jit
def test_a5_a_tone_before_the_first_start_is_not_what_the_model_expects() -> None:
    distrust, _ = heard(f"{TONE}&isr_db=0&start_s=0&seed=1")
    assert "the model expects" in distrust
    assert heard("sim:lte-dl?duration_s=4.6&seed=1&level_dbfs=-30")[0] == ""
