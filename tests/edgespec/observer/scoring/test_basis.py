"""A band is judged by a bundle, or by the detectors that need none, at any sample rate."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import Config, DetectConfig, override
from edgespec.detect.any_band.detector import THRESHOLD as ANY_BAND_THRESHOLD
from edgespec.detect.scan.residual_scan import THRESHOLD
from edgespec.errors import ConfigError, ModelError
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.opening.parts import warmup_s_of
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.scoring.basis import NO_BUNDLE, Basis
from edgespec.observer.scoring.unscored import NO_CELL
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import Event, SampleFormat, SourceInfo
from tests.made.brief_search import search_briefly

RATES_HZ = (0.25e6, 1.024e6, 1.92e6, 2.4e6, 3.2e6, 5e6, 7.68e6, 20e6, 61.44e6)


def events_of(uri: str, detect: DetectConfig, tmp_path: Path) -> tuple[str, list[Event]]:
    """Return the name of the model and every message of a whole source."""
    config = override(Config(), source=uri)
    config = replace(config, detect=detect, node=replace(config.node, state_dir=tmp_path))
    radio = open_radio(config, config.source[0])
    (chain,) = radio.chains
    buffer = radio.source.info.sample_format.empty(chain.hop_samples)
    said: list[Event] = []
    while (block := radio.source.read(buffer)) is not None:
        said += chain.process(block)
    said += chain.finish()
    radio.source.close()
    return chain.info.model, said


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_frames_last_as_long_at_every_rate_and_bins_are_narrow(rate_hz: float) -> None:
    recipe = Recipe.for_rate(rate_hz)
    # Frames are a whole number of FFTs: at most half of one off.
    assert recipe.framing.frame_s == pytest.approx(0.256e-3, abs=0.5 * recipe.n_fft / rate_hz)
    assert recipe.framing.bin_hz <= 40e3 or recipe.n_fft == 1024
    assert recipe.geometry.hop_s < 0.02


def test_at_the_rate_of_the_paper_the_frames_are_those_of_the_paper() -> None:
    assert Recipe.for_rate(5e6) == Recipe(5e6)


# At the highest rate as short as a warm-up may be.
@pytest.mark.parametrize(
    ("rate_hz", "start_s"),
    [(1.92e6, 0.6), (2.4e6, 0.6), pytest.param(20e6, 0.3, marks=pytest.mark.slow_without_jit)],
)
def test_an_interferer_is_found_without_a_bundle(
    rate_hz: float, start_s: float, tmp_path: Path
) -> None:
    uri = (
        f"sim:lte-dl?seed=5&sample_rate={rate_hz:g}&duration_s={start_s + 0.3}&kind=tone"
        f"&offset_hz=300e3&isr_db=10&start_s={start_s}&stop_s={start_s + 0.2}"
    )
    model, said = events_of(uri, DetectConfig(warmup_s=start_s - 0.15), tmp_path)
    assert model == NO_BUNDLE
    first = next(event for event in said if event.event_type == "new")
    assert first.model_sha256 is None
    # The tone, not what happens to be strongest: within three bins.
    assert first.freq_lower_hz <= 300e3 + 40e3
    assert first.freq_upper_hz >= 300e3 - 40e3
    assert start_s - 0.01 <= first.sample_start / rate_hz <= start_s + 0.1


def test_at_the_rate_of_the_shipped_bundle_it_is_taken(tmp_path: Path) -> None:
    uri = "sim:lte-dl?seed=5&duration_s=0.5"
    model, _ = events_of(uri, DetectConfig(warmup_s=0.2), tmp_path)
    assert model == load_bundle(shipped_bundle_path()).manifest.name


def test_no_runtime_is_opened_for_detectors_that_need_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.observer.radio_opening.open_runtime", None)
    uri = "sim:lte-dl?seed=5&duration_s=0.5"
    detect = DetectConfig(detectors=("zscore",), warmup_s=0.2)
    events_of(uri, detect, tmp_path)


@pytest.mark.parametrize(
    ("detectors", "reason"),
    [(("model",), "add energy"), (("forecast", "zscore"), "leave it out"), (("zscor",), "zscore")],
)
def test_what_needs_a_model_is_refused_where_there_is_none(
    detectors: tuple[str, ...], reason: str
) -> None:
    shipped = load_bundle(shipped_bundle_path())
    with pytest.raises(ConfigError, match=reason):
        Basis.without_bundle(Recipe.for_rate(2.4e6), DetectConfig(detectors=detectors), shipped)


def test_a_network_without_a_runtime_is_refused() -> None:
    with pytest.raises(ModelError, match="no runtime"):
        Basis.of_bundle(load_bundle(shipped_bundle_path()), None, DetectConfig())


def test_thresholds_without_a_bundle_are_those_of_the_site() -> None:
    shipped = load_bundle(shipped_bundle_path())
    basis = Basis.without_bundle(Recipe.for_rate(1.92e6), DetectConfig(), shipped)
    assert basis.names == ("residual", "zscore", "energy", "any-band")
    powers = ("zscore", "energy")
    assert basis.thresholds == {
        "residual": THRESHOLD,
        "any-band": ANY_BAND_THRESHOLD,
        **{name: shipped.manifest.threshold(name, 0.001, "quantile") for name in powers},
    }
    assert all(math.isfinite(std) and std > 0 for std in basis.smallest_std.values())
    assert np.all([basis.model_sha256 is None, basis.backend is None, basis.bundle is None])


def test_f7_a_recording_of_a_second_is_scored_with_defaults(
    shared_data: Path, tmp_path: Path
) -> None:
    capture = shared_data / "lte_tdd_f2645_s1.92_g20_SamplingPPM26.2_1s.sigmf-meta"
    config = override(Config(), source=f"sigmf:{capture}")
    config = replace(config, node=replace(config.node, state_dir=tmp_path))
    radio = open_radio(config, config.source[0])
    (chain,) = radio.chains
    assert chain.warmup_left_s == pytest.approx(0.4, abs=chain.geometry.hop_s)
    buffer = radio.source.info.sample_format.empty(chain.hop_samples)
    said: list[Event] = []
    while (block := radio.source.read(buffer)) is not None:
        said += chain.process(block)
    radio.source.close()
    assert chain.scorer.is_warm
    # Nothing but the cell is on the air.
    assert not said


@pytest.mark.parametrize(
    ("uri", "n_samples", "is_live", "expected_s"),
    [
        ("sigmf:one", 1_000_000, False, 0.4),
        ("wav:one", 6_500_000, False, 2.6),
        ("raw:one", 7_000_000, False, 4.0),
        ("raw:-", None, False, 4.0),
        ("sigmf:one?realtime=1", 1_000_000, True, 4.0),
        ("sim:lte-dl", 1_000_000, False, 4.0),
    ],
)
def test_a_short_recording_is_learnt_from_for_less_long(
    uri: str, n_samples: int | None, is_live: bool, expected_s: float
) -> None:
    info = SourceInfo(uri, 1e6, 0.0, SampleFormat.CI16, is_live, n_samples)
    assert warmup_s_of(DetectConfig(), info) == pytest.approx(expected_s)


def test_what_is_left_of_a_cell_alone_needs_a_rate_at_which_one_is_cancelled(
    tmp_path: Path,
) -> None:
    uri = "sim:lte-dl?seed=5&duration_s=0.5&sample_rate=250000"
    with pytest.raises(ConfigError, match=r"250000 S/s no cell.*1920000.*add zscore"):
        events_of(uri, DetectConfig(detectors=("residual",)), tmp_path)


def test_a_band_in_which_nothing_is_scored_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise holds no cell."""
    search_briefly(monkeypatch, 0.05, 0.1)
    config = override(Config(), source="sim:lte-dl?sample_rate=1.92e6&duration_s=1.6")
    detect = DetectConfig(detectors=("residual",), warmup_s=0.4)
    config = replace(config, detect=detect, node=replace(config.node, state_dir=tmp_path))
    radio = open_radio(config, config.source[0])
    (chain,) = radio.chains
    buffer = radio.source.info.sample_format.empty(chain.hop_samples)
    rng = np.random.default_rng(1)
    while (block := radio.source.read(buffer)) is not None:
        noise = (3000.0 * rng.standard_normal(block.samples.shape, np.float32)).astype(np.int16)
        assert not list(chain.process(replace(block, samples=noise)))
    radio.source.close()
    now = snapshot_of(chain)
    assert now.cell is not None
    assert now.cell.state == "none"
    assert now.scores == {}
    assert now.unscored.reason == NO_CELL
    assert now.unscored.share == 1.0
    assert now.unscored.duration_s == pytest.approx(1.2, abs=0.1)


@pytest.mark.parametrize(
    ("quiet_s", "warmup_s"),
    # Long enough to learn from; too short, so that 40% are; more than is configured; none of ours.
    [(1.0, 0.95), (0.39, 0.8), (9.0, 4.0), (None, 0.8)],
)
def test_of_what_was_kept_of_an_alert_the_time_before_it_is_learnt(quiet_s, warmup_s) -> None:
    n = round(2e6 if quiet_s != 9.0 else 10e6)
    kept = SourceInfo("sigmf:x", 1e6, 0.0, SampleFormat.CU8, False, n, quiet_s)
    assert warmup_s_of(DetectConfig(warmup_s=4.0), kept) == pytest.approx(warmup_s)
    # As a live source it is heard as any other.
    assert warmup_s_of(DetectConfig(warmup_s=4.0), replace(kept, is_live=True)) == 4.0
