"""An autoregression is solved for in closed form; an LSTM beside it learns what it leaves."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from converter.bundles.quantize import quantize
from converter.data.views import WindowSet
from converter.models.architectures import build_model
from converter.training.autoregression import Autoregression, solve
from converter.training.lastlayer import L2_GRID
from converter.training.modeldir import ModelCard, load_model
from converter.training.settings import TrainSettings
from converter.training.train import train
from converter.training.transfer import transfer
from edgespec.errors import ModelError
from edgespec.inference.backends import open_backend
from edgespec.inference.network import Autoregression as Weights
from tests import naive
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]


def splits() -> tuple[WindowSet, WindowSet]:
    dataset = tiny_training.dataset()
    held_out = WindowSet(dataset, ("validation",), leave_noise_out=True)
    return WindowSet(dataset, ("train",), hop_frames=1, leave_noise_out=True), held_out


@cache
def of_five() -> tuple[ModelCard, Path]:
    """A trained autoregression of five frames."""
    folder = tiny_training.folder() / "of-five"
    settings = TrainSettings("linear-ar", {"order": 5}, n_windows=300)
    return train(tiny_training.dataset(), folder, settings), folder


def rows(windows: WindowSet, order: int) -> tuple[np.ndarray, np.ndarray]:
    """What is asked of it, bin by bin: the last frames with a one, and the horizon."""
    contexts, targets = windows.gather(np.arange(len(windows)))
    x, y = [], []
    for context, target in zip(contexts, targets, strict=True):
        for b in range(context.shape[1]):
            x.append([*context[-order:, b], 1.0])
            y.append(target[:, b])
    return np.array(x, np.float64), np.array(y, np.float64)


def test_the_solution_is_that_of_least_squares() -> None:
    windows, held_out = splits()
    model = build_model("linear-ar", tiny.GEOMETRY, {"order": 3})
    solution = solve(model, windows, held_out)
    assert solution.l2 in L2_GRID
    x, y = rows(windows, 3)
    wanted = np.linalg.solve(x.T @ x + solution.l2 * np.eye(4), x.T @ y)
    weights, bias = Autoregression(model).weights
    # float32 of numbers below 1.
    np.testing.assert_allclose(np.vstack([weights, bias]), wanted, rtol=0, atol=1e-6)
    assert solution.loss == pytest.approx(np.mean((x @ wanted - y) ** 2), rel=1e-5)
    x, y = rows(held_out, 3)
    assert solution.val_loss == pytest.approx(np.mean((x @ wanted - y) ** 2), rel=1e-5)


def test_keras_and_the_device_compute_the_plainest_sum(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    _, folder = of_five()
    _, model = load_model(folder)
    weights = Weights(*Autoregression(model).weights)
    done = quantize(folder, tmp_path / "x.edgespec", "float32", tiny_training.dataset())
    assert done.no_weights == ""
    window = rng.standard_normal((8, 64), np.float32)
    expected = naive.autoregression(window, weights)
    # Rounding of float32 sums of six products.
    answers = [model.predict(window[np.newaxis], verbose=0).reshape(4, 64)]
    answers += [open_backend(done.bundle, name).predict(window) for name in ("litert", "numba")]
    for answer in answers:
        np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-6)


def test_more_frames_help_what_repeats_after_twelve() -> None:
    few, _ = of_five()
    whole, _ = load_model(tiny_training.trained("linear-ar"))
    assert whole.training["val_losses"][0] < 0.5 * few.training["val_losses"][0]
    assert few.training["epochs"] == few.training["best_epoch"] == 1
    assert few.training["n_parameters"] == 5 * 4 + 4
    assert few.gate is None


def test_the_lstm_begins_at_the_autoregression_and_leaves_it_alone() -> None:
    windows, held_out = splits()
    alone = build_model("linear-ar", tiny.GEOMETRY, {})
    both = build_model("ar-lstm", tiny.GEOMETRY, {"n_units": 8})
    for model in (alone, both):
        solve(model, windows, held_out)
    contexts = held_out.model_inputs("forecast", np.arange(4))
    begun = both.predict(contexts, verbose=0)
    np.testing.assert_allclose(begun, alone.predict(contexts, verbose=0), rtol=0, atol=1e-6)
    card, trained = load_model(tiny_training.trained("ar-lstm"))
    linear_card, linear = load_model(tiny_training.trained("linear-ar"))
    solved = card.training["autoregression"]
    assert solved == linear_card.training["autoregression"]
    for one, other in zip(
        Autoregression(trained).weights, Autoregression(linear).weights, strict=True
    ):
        assert np.array_equal(one, other)
    # The ridge of this band is 8 dB of sine under noise: a little is left for the LSTM.
    assert min(card.training["val_losses"]) < solved["val_loss"]
    assert all(layer.trainable for layer in trained.layers)


def test_an_offset_begins_at_the_mean_of_each_bin_and_training_leaves_it_alone() -> None:
    _, held_out = splits()
    begun = build_model("offset-lstm", tiny.GEOMETRY, {"n_units": 8})
    contexts = held_out.model_inputs("forecast", np.arange(4))
    mean = contexts.mean(axis=1, keepdims=True)
    expected = np.broadcast_to(mean, (4, tiny.GEOMETRY.n_horizon, contexts.shape[2]))
    answer = begun.predict(contexts, verbose=0).reshape(expected.shape)
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-6)
    card, trained = load_model(tiny_training.trained("offset-lstm"))
    for one, other in zip(
        Autoregression(trained).weights, Autoregression(begun).weights, strict=True
    ):
        assert np.array_equal(one, other)
    contexts, targets = held_out.gather(np.arange(len(held_out)))
    mean_alone = np.mean((targets - contexts.mean(axis=1, keepdims=True)) ** 2)
    assert min(card.training["val_losses"]) < mean_alone


@pytest.mark.parametrize("order", [0, 9])
@pytest.mark.parametrize("name", ["linear-ar", "ar-lstm"])
def test_an_order_beyond_the_context_is_refused(name: str, order: int) -> None:
    with pytest.raises(ModelError, match=f"order is {order}; it must lie between 1 and the 8"):
        build_model(name, tiny.GEOMETRY, {"order": order})


def test_it_is_transferred_in_closed_form(tmp_path: Path, rng: np.random.Generator) -> None:
    frames = tiny_training.moving_ridge(rng, 600)
    other = tiny_training.make_dataset(tmp_path / "other", {"train": frames, "test": frames})
    card, _ = of_five()
    done = transfer(of_five()[1], other, tmp_path / "new", "closed-form").training["transfer"]
    assert done["loss_after"] <= done["loss_before"]
    assert Autoregression(load_model(tmp_path / "new")[1]).weights[0].shape == (5, 4)
    with pytest.raises(ModelError, match="use 1L"):
        transfer(of_five()[1], other, tmp_path / "no", "affine")
    with pytest.raises(ModelError, match="use 1L"):
        transfer(tiny_training.trained("ar-lstm"), other, tmp_path / "no", "closed-form")
    assert card.training["settings"]["hyper"] == {"order": 5}


def test_a_model_without_one_cannot_be_solved() -> None:
    windows, held_out = splits()
    with pytest.raises(ModelError, match="no layer 'autoregression'"):
        solve(build_model("lstm", tiny.GEOMETRY, {}), windows, held_out)
    part = Autoregression(build_model("linear-ar", tiny.GEOMETRY, {}))
    with pytest.raises(ModelError, match="cannot be solved for 'reconstruction'"):
        next(part.rows(windows, "reconstruction"))
