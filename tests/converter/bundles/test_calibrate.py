"""Laws of calibration: the device's chain sets the thresholds, and new normal signal keeps them."""

from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
import pytest

from converter.bundles.calibrate import CalibrationRun, calibrate, score_recording
from converter.data.dataset import load_part
from edgespec.errors import ModelError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.forecaster import Forecaster
from edgespec.observer.scorer import Scorer
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
