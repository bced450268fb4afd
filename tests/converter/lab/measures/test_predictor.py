"""A predictor says of many segments what the device says of each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.data.dataset import load_part
from converter.lab.measures.predictor import Predictor, open_predictor
from converter.training.modeldir import load_model, save_model
from edgespec.detect.residual import ForecastError
from edgespec.dsp.segments import Segmenter
from edgespec.errors import ModelError, UsageError
from edgespec.inference.backends import open_backend
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.records import FloatArray, Scaling, Segment
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]
#: Rounding of float32 at 100 dB, and of sums in another order, in dB.
ATOL_DB = 1e-4


def segments(hop_frames: int = 4) -> tuple[FloatArray, FloatArray]:
    """Contexts and targets of the test recording in dBFS, no two of one level."""
    dataset = tiny_training.dataset()
    segmenter = Segmenter(replace(tiny.GEOMETRY, hop_frames=hop_frames))
    segmenter.push(load_part(dataset, dataset.split("test")[0]))
    pairs = [(s.context.copy(), s.target.copy()) for s in segmenter.segments()]
    level_db = np.linspace(-40, 40, len(pairs), dtype=np.float32)[:, None, None]
    contexts, targets = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
    return contexts + level_db, targets + level_db


@pytest.mark.parametrize("kind", ["folder", "bundle"])
@pytest.mark.parametrize("architecture", tiny_training.ARCHITECTURES)
def test_it_agrees_with_the_device(architecture: str, kind: str) -> None:
    bundle = tiny_training.bundle(architecture, "float32")
    folder = tiny_training.trained(architecture)
    predictor = open_predictor(folder if kind == "folder" else bundle.path)
    assert predictor.role == bundle.manifest.model.role
    assert predictor.geometry == tiny.GEOMETRY
    device, score = Forecaster(bundle, open_backend(bundle)), ForecastError(tiny.GEOMETRY)
    contexts, targets = segments()
    forecasts, errors_db = [], []
    for context, target in zip(contexts, targets, strict=True):
        segment = Segment(context, target, np.arange(12))
        forecast = device.forecast(segment)
        forecasts.append(forecast.power_dbfs.copy())
        errors_db.append(score.score(segment, forecast).value)
    actual = predictor.forecast(contexts, targets)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, forecasts, rtol=0, atol=ATOL_DB)
    actual_db = predictor.errors_db(contexts, targets)
    assert actual_db.dtype == np.float32
    np.testing.assert_allclose(actual_db, errors_db, rtol=0, atol=ATOL_DB)


@pytest.mark.parametrize("n", [0, 1, 16, 17, 257])
def test_every_number_of_segments_is_one_answer(n: int) -> None:
    predictor = open_predictor(tiny_training.trained("lstm"))
    contexts, targets = segments(hop_frames=1)
    whole = predictor.errors_db(contexts, targets)
    assert len(whole) > 257
    some = slice(3, 3 + n)
    part = predictor.errors_db(contexts[some], targets[some])
    np.testing.assert_allclose(part, whole[some], rtol=0, atol=ATOL_DB)
    assert predictor.forecast(contexts[some], targets[some]).shape == (n, 4, 64)


def test_the_error_is_that_of_the_forecast() -> None:
    predictor = open_predictor(tiny_training.trained("lstm"))
    contexts, targets = segments()
    error = targets.astype(np.float64) - predictor.forecast(contexts, targets)
    expected = np.sqrt(np.mean(error**2, axis=(1, 2)))
    np.testing.assert_allclose(
        predictor.errors_db(contexts, targets), expected, rtol=0, atol=ATOL_DB
    )


def test_a_network_is_shown_what_its_role_says_and_changes_nothing() -> None:
    seen: list[FloatArray] = []

    def run(windows: FloatArray) -> FloatArray:
        seen.append(windows)
        return np.zeros((len(windows), 4 * 64), np.float32)

    contexts, targets = segments()
    kept = contexts.copy(), targets.copy()
    mean_db = contexts.mean(axis=(1, 2), keepdims=True)
    scale_db = contexts.std(axis=(1, 2), keepdims=True)
    for role, window in (("forecast", contexts), ("reconstruction", targets)):
        seen.clear()
        expected = Predictor(tiny.RECIPE, role, run).forecast(contexts, targets)
        shown = np.concatenate(seen)
        np.testing.assert_allclose(shown, (window - mean_db) / scale_db, atol=1e-4)
        # Zero stands for the mean of the context.
        np.testing.assert_allclose(expected - mean_db, 0, atol=ATOL_DB)
        seen.clear()
        scaling = Scaling(-50.0, 4.0)
        expected = Predictor(tiny.RECIPE, role, run, scaling).forecast(contexts, targets)
        np.testing.assert_allclose(np.concatenate(seen), (window + 50) / 4, atol=1e-4)
        np.testing.assert_allclose(expected, -50, atol=ATOL_DB)
    assert np.array_equal(contexts, kept[0])
    assert np.array_equal(targets, kept[1])


def test_the_scaling_of_the_card_is_applied(tmp_path: Path) -> None:
    card, model = load_model(tiny_training.trained("lstm"))
    training = {**card.training, "scaling": {"mean_db": -55.0, "scale_db": 6.0}}
    save_model(tmp_path, replace(card, training=training), model)
    contexts, targets = segments()
    actual = open_predictor(tmp_path).forecast(contexts, targets)
    windows = ((contexts + 55) / 6).astype(np.float32)
    expected = np.asarray(model.predict_on_batch(windows)).reshape(targets.shape) * 6 - 55
    # Windows of levels up to 40 dB away have values near 10, and so do sums of their products.
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-3)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="give a folder"):
        open_predictor(tmp_path)
    with pytest.raises(ModelError, match=r"\.edgespec"):
        open_predictor(tmp_path / "absent.edgespec")
    contexts, targets = segments()
    predictor = open_predictor(tiny_training.bundle("lstm", "float32").path)
    with pytest.raises(UsageError, match="the model takes"):
        predictor.forecast(contexts[:, 1:], targets)
    with pytest.raises(UsageError, match="the model takes"):
        predictor.errors_db(contexts, targets[1:])
