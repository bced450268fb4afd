"""Laws of calibration: the device's chain sets the thresholds, and new normal signal keeps them."""

from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
import pytest

from converter.bundles.calibrate import (
    FALSE_ALARM_RATES,
    CalibrationRun,
    calibrate,
    score_recording,
)
from converter.data.dataset import load_part
from edgespec.config import DetectConfig
from edgespec.detect.threshold import LEAST_SCORES, fit_thresholds, scores_for_rate
from edgespec.errors import ModelError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.thresholds import thresholds_of
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]
#: Forty segments of the tiny geometry.
WARMUP_S = 40 * tiny.GEOMETRY.hop_s


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Path]:
    folder = tmp_path_factory.mktemp("calibrated")
    rng = np.random.default_rng(11)
    recordings = {
        f"{split}-{n}": tiny_training.moving_ridge(rng, 2400)
        for split in ("calibration", "test")
        for n in range(3)
    }
    dataset = tiny_training.make_dataset(folder / "dataset", recordings)
    draft = tiny_training.bundle("lstm", "float32")
    out = folder / "out.edgespec"
    return calibrate(draft.path, dataset, out, warmup_s=WARMUP_S), folder / "dataset"


def test_new_normal_signal_keeps_the_rate(calibrated: tuple[Bundle, Path]) -> None:
    from converter.data.dataset import load_dataset

    bundle, folder = calibrated
    dataset = load_dataset(folder)
    names = tuple(bundle.manifest.detectors)
    scorer = Scorer(
        Forecaster(bundle, open_backend(bundle)),
        names,
        tiny.GEOMETRY,
        ceil(WARMUP_S / tiny.GEOMETRY.hop_s),
        bundle.manifest.site_std,
    )
    run = CalibrationRun.empty(names, tiny.GEOMETRY.n_bins)
    for part in dataset.split("test"):
        score_recording(load_part(dataset, part), tiny.GEOMETRY, scorer, run)
    for name in names:
        values = run.scores(name)
        # Three recordings of about 560 segments: the rate of 0.05 is known within a factor of 3,
        # because the scale of each site is learnt from 20 segments.
        rate = float(np.mean(values > bundle.manifest.threshold(name, 0.05, "quantile")))
        assert rate < 0.05 * 3, name
        # A moving average crosses its threshold seldom and then for long: three recordings may
        # well have no crossing at all.
        assert rate > 0.05 / 3 or name == "ewma"


def test_the_bundle_keeps_its_model_and_says_how_it_was_calibrated(
    calibrated: tuple[Bundle, Path],
) -> None:
    bundle, _ = calibrated
    draft = tiny_training.bundle("lstm", "float32")
    assert bundle.model == draft.model
    assert set(bundle.manifest.detectors) == {"forecast", "energy", "zscore", "ewma"}
    assert bundle.manifest.training["calibration"]["recordings"] == [
        "calibration-0",
        "calibration-1",
        "calibration-2",
    ]
    with_map = ("forecast", "zscore", "ewma")
    for name, found in bundle.manifest.detectors.items():
        expected = tiny.GEOMETRY.n_bins if name in with_map else 0
        assert len(found.error_std_db) == expected


def test_the_discriminant_is_kept_with_the_thresholds_that_it_gave(
    calibrated: tuple[Bundle, Path], tmp_path: Path
) -> None:
    from converter.data.dataset import load_dataset

    usual, folder = calibrated
    dataset = load_dataset(folder)
    other = calibrate(usual.path, dataset, tmp_path / "a", warmup_s=WARMUP_S, discriminant="rmse")
    again = calibrate(other.path, dataset, tmp_path / "b", warmup_s=WARMUP_S)
    assert usual.manifest.discriminant == "percentile:99"
    assert load_bundle(other.path).manifest.discriminant == "rmse"
    assert again.manifest.detectors == other.manifest.detectors
    raw = {b.manifest.discriminant: b.manifest.site_std["forecast"] for b in (usual, other)}
    assert raw["percentile:99"] > raw["rmse"]
    assert usual.manifest.detectors["zscore"] == other.manifest.detectors["zscore"]
    with pytest.raises(ModelError, match="did you mean 'dtw'"):
        calibrate(usual.path, dataset, tmp_path / "c", warmup_s=WARMUP_S, discriminant="dtv")


def test_a_data_set_of_another_geometry_is_refused(tmp_path: Path) -> None:
    other = replace(tiny.RECIPE, n_averages=5)
    rng = np.random.default_rng(1)
    dataset = tiny_training.make_dataset(
        tmp_path, {"calibration": tiny_training.moving_ridge(rng, 100, other.framing)}, other
    )
    with pytest.raises(ModelError, match="geometry"):
        calibrate(tiny_training.bundle("lstm", "float32").path, dataset, tmp_path / "out.edgespec")


@pytest.mark.parametrize(
    ("n_frames", "options", "message"),
    [
        (200, {}, "too few"),
        (2400, {"split": "test"}, "no recording"),
        (2400, {"n_offsets": 9}, "9"),
    ],
)
def test_what_cannot_set_a_threshold_is_refused(
    tmp_path: Path, n_frames: int, options: dict[str, object], message: str
) -> None:
    rng = np.random.default_rng(1)
    dataset = tiny_training.make_dataset(
        tmp_path, {"calibration": tiny_training.moving_ridge(rng, n_frames)}
    )
    with pytest.raises(ModelError, match=message):
        calibrate(
            tiny_training.bundle("lstm", "float32").path,
            dataset,
            tmp_path / "out.edgespec",
            warmup_s=WARMUP_S,
            **options,  # type: ignore[arg-type]
        )


def test_f7_short_recordings_are_enough_with_defaults(tmp_path: Path) -> None:
    """The usual warm-up of 4 s is longer than they are; half of each is one, then."""
    rng = np.random.default_rng(12)
    recordings = {f"calibration-{n}": tiny_training.moving_ridge(rng, 240) for n in range(2)}
    dataset = tiny_training.make_dataset(tmp_path / "dataset", recordings)
    draft = tiny_training.bundle("lstm", "float32")
    said: list[str] = []
    bundle = calibrate(draft.path, dataset, tmp_path / "out.edgespec", progress=said.append)
    assert "a warm-up of" in said[0]
    expected_s = 120 * tiny.GEOMETRY.frame_s
    assert bundle.manifest.training["calibration"]["warmup_s"] == pytest.approx(expected_s)
    names = ("forecast", "zscore")
    n_scores = bundle.manifest.detectors["zscore"].n_scores
    assert 20 <= n_scores < 999
    # The defaults of an observer: the quantile at 0.001, which so few segments do not tell.
    values, warning = thresholds_of(bundle.manifest, names, DetectConfig())
    assert values == {name: bundle.manifest.threshold(name, 0.001, "gaussian") for name in names}
    needed_s = 999 * tiny.GEOMETRY.hop_s
    assert f"calibrated on {n_scores} segments" in warning
    assert f"at least {needed_s:.3g} s" in warning
    told = min(rate for rate in FALSE_ALARM_RATES if scores_for_rate(rate) <= n_scores)
    assert f"set detect.false_alarm_rate to {told:g}" in warning
    assert len(warning) < 400
    strict = DetectConfig(false_alarm_rate=0.1)
    values, warning = thresholds_of(bundle.manifest, names, strict)
    assert (values["zscore"], warning) == (
        bundle.manifest.threshold("zscore", 0.1, "quantile"),
        "",
    )
    with pytest.raises(ModelError, match="0\\.003 was not calibrated"):
        thresholds_of(bundle.manifest, names, DetectConfig(false_alarm_rate=0.003))


@pytest.mark.parametrize(("warmup_s", "least"), [(None, 2.0), (4.0, 1.0)])
def test_f7_what_is_too_short_says_how_long_it_must_be(
    tmp_path: Path, warmup_s: float | None, least: float
) -> None:
    rng = np.random.default_rng(13)
    recordings = {"calibration-1": tiny_training.moving_ridge(rng, 60)}
    dataset = tiny_training.make_dataset(tmp_path / "dataset", recordings)
    draft = tiny_training.bundle("lstm", "float32")
    with pytest.raises(ModelError, match="or a shorter --warmup") as caught:
        calibrate(draft.path, dataset, tmp_path / "out.edgespec", warmup_s=warmup_s)
    geometry = tiny.GEOMETRY
    scored_s = (geometry.n_segment + 20 * geometry.hop_frames) * geometry.frame_s
    assert f"at least {least * scored_s + (warmup_s or 0):.3g} s" in str(caught.value)
    assert "the longest calibration recording has" in str(caught.value)


@pytest.mark.parametrize("rate", [0.1, 0.05, 0.02, 0.01, 0.003, 0.001])
def test_scores_for_a_rate_are_the_fewest_with_a_quantile(rate: float) -> None:
    n = max(scores_for_rate(rate), LEAST_SCORES)
    assert "quantile" in fit_thresholds(np.arange(n), (rate,)).thresholds[f"{rate:g}"]
    if n > LEAST_SCORES:
        fit = fit_thresholds(np.arange(n - 1), (rate,))
        assert "quantile" not in fit.thresholds[f"{rate:g}"]
