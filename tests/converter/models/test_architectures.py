"""Laws of every network: its shapes, what it begins with, and that boards can run it."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.bundles.quantize import quantize
from converter.models.architectures import MODELS, build_model
from converter.training.modeldir import ModelCard, save_model
from converter.training.settings import TrainSettings
from converter.training.train import train
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.inference.backends import open_backend
from edgespec.records import Geometry
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]
#: Sizes that a test can afford.
SMALL: Mapping[str, Mapping[str, int]] = {
    "rnn": {"n_units": 8},
    "deep-lstm": {"n_units": 8},
    "cnn": {"n_layers": 2, "n_filters": 4},
    "u-net": {"n_filters": 4, "n_levels": 2},
    "conv-lstm": {"n_filters": 4},
    "dts-resnet": {"n_filters": 4, "n_units": 1},
    "sts-prednets": {"n_filters": 4, "step_frames": 4},
    "spatio-temporal": {"n_filters": 4, "n_units": 8},
}
#: The networks of Peng et al. 2022: they may forecast a residual.
SWEPT = [name for name in MODELS if name.startswith(tuple(SMALL))]
SHORT = [name for name in SWEPT if not MODELS[name].sides]


def small(name: str, geometry: Geometry = tiny.GEOMETRY, **hyper: Any) -> Any:
    sizes = next(sizes for start, sizes in SMALL.items() if name.startswith(start))
    return build_model(name, geometry, {**sizes, **hyper})


def inputs_of(model: Any, rng: np.random.Generator, n: int = 3) -> list[Any]:
    return [rng.normal(size=(n, *one.shape[1:])).astype(np.float32) for one in model.inputs]


def shaken(model: Any, rng: np.random.Generator) -> Any:
    """Give a model weights of which none is zero."""
    weights = model.get_weights()
    model.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in weights])
    return model


def test_every_network_of_the_paper_is_there() -> None:
    assert set(SWEPT) == {
        *("rnn", "deep-lstm", "cnn", "u-net", "conv-lstm", "dts-resnet", "dts-resnet-c"),
        *("sts-prednets", "sts-prednets-c", "spatio-temporal", "spatio-temporal-c"),
        *("spatio-temporal-oh", "spatio-temporal-od"),
    }


@pytest.mark.parametrize("name", SWEPT)
def test_all_inputs_move_a_forecast_of_the_right_shape(name: str, rng: np.random.Generator) -> None:
    model = shaken(small(name), rng)
    assert [one.name for one in model.inputs] == ["context", *MODELS[name].sides]
    given = inputs_of(model, rng)
    forecast = np.asarray(model(given if len(given) > 1 else given[0]))
    assert forecast.shape == (3, tiny.GEOMETRY.n_horizon * tiny.GEOMETRY.n_bins)
    for number in range(len(given)):
        other = [one + (number == at) for at, one in enumerate(given)]
        assert np.abs(model(other if len(given) > 1 else other[0]) - forecast).max() > 1e-4


@pytest.mark.parametrize("name", SWEPT)
def test_a_forecast_of_the_residual_begins_at_the_mean_and_moves_with_the_level(
    name: str, rng: np.random.Generator
) -> None:
    model = small(name, residual_of="mean")
    given = inputs_of(model, rng)
    mean = given[0].mean(axis=1, keepdims=True)
    shape = (3, tiny.GEOMETRY.n_horizon, tiny.GEOMETRY.n_bins)

    def forecast(level: float = 0.0) -> Any:
        seen = [one + np.float32(level) for one in given]
        return np.asarray(model(seen if len(seen) > 1 else seen[0])).reshape(shape)

    np.testing.assert_allclose(forecast(), np.broadcast_to(mean, shape), atol=1e-5)
    shaken(model, rng)
    assert np.abs(forecast() - mean).max() > 1e-3
    np.testing.assert_allclose(forecast(7.0), forecast() + 7.0, atol=1e-4)


@pytest.mark.parametrize("name", SWEPT)
def test_boards_run_it_in_built_in_operators(
    name: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    model = shaken(small(name, residual_of="mean"), rng)
    kind = MODELS[name]
    card = ModelCard(name, name, "forecast", kind.gate, tiny.RECIPE, side_inputs=kind.side_inputs)
    save_model(tmp_path, card, model)
    done = quantize(tmp_path, tmp_path / "a.edgespec", "float32")
    assert not any(op.startswith("Flex") for op in done.bundle.manifest.model.operators)
    # TFLite has an operator for an LSTM, none for the simplest recurrence, and unrolled ones none.
    assert ("WHILE" in done.bundle.manifest.model.operators) == (name == "rnn")
    given = inputs_of(model, rng, 1)
    found = open_backend(done.bundle).predict(*(one[0] for one in given)).ravel()
    expected = np.asarray(model(given if kind.sides else given[0]))[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert [side.name for side in done.bundle.manifest.side_inputs] == list(kind.sides)


# The other two have a branch for each time scale, without a recurrence over all of them.
@pytest.mark.parametrize("name", [n for n in SWEPT if MODELS[n].sides and n.startswith("spatio")])
def test_hours_and_days_reach_the_forecast_past_80_sweeps(
    name: str, rng: np.random.Generator
) -> None:
    geometry = Geometry(n_bins=8, frame_s=1.8, n_context=80, n_horizon=4, hop_frames=4)
    model = small(name, geometry)
    shapes = [(1, *one.shape[1:]) for one in model.inputs]
    given, others = ([rng.normal(0, 1, shape) for shape in shapes] for _ in range(2))

    def moved(number: int) -> float:
        changed = [*given[:number], others[number], *given[number + 1 :]]
        return float(np.sqrt(np.mean(np.square(model(changed) - model(given)))))

    by_context, *by_sides = (moved(number) for number in range(len(shapes)))
    assert min(by_sides) > 0.01 * by_context


@pytest.mark.parametrize("name", ["u-net", "spatio-temporal-c"])
def test_odd_sizes_are_no_trouble(name: str) -> None:
    geometry = Geometry(n_bins=13, frame_s=1.0, n_context=11, n_horizon=5)
    assert small(name, geometry).output_shape == (None, 5 * 13)


def test_the_network_of_the_paper_has_its_geometry() -> None:
    geometry = Geometry(n_bins=80, frame_s=1.8, n_context=80, n_horizon=40)
    model = build_model("spatio-temporal", geometry, {})
    assert [tuple(one.shape[1:]) for one in model.inputs] == [(80, 80), (3, 80), (3, 80)]
    assert model.output_shape == (None, 40 * 80)
    kernels = [w.shape[:2] for w in model.get_weights() if w.ndim == 4]
    assert {(2, 2), (7, 7), (3, 3)} <= set(kernels)


@pytest.mark.parametrize("name", SWEPT)
@pytest.mark.parametrize("value", [0, -1])
def test_sizes_that_cannot_be_are_refused(name: str, value: int) -> None:
    for size in inspect.signature(MODELS[name].build).parameters:
        if size not in ("geometry", "residual_of"):
            with pytest.raises(ModelError, match=size):
                small(name, **{size: value})
    with pytest.raises(ModelError, match="residual_of is 'median'"):
        small(name, residual_of="median")


def test_steps_must_fit_and_a_window_can_be_halved_so_often() -> None:
    with pytest.raises(ModelError, match="step_frames is 3"):
        small("conv-lstm", step_frames=3)
    with pytest.raises(ModelError, match="from 1 to 4 levels"):
        small("u-net", n_levels=5)


def test_a_network_of_hours_is_not_trained_on_seconds(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"days and hours.*spatio-temporal-c"):
        train(tiny_training.dataset(), tmp_path, TrainSettings("spatio-temporal"))


def test_a_short_one_is_trained_as_any_other(tmp_path: Path) -> None:
    settings = TrainSettings(
        "spatio-temporal-c", {**SMALL["spatio-temporal"], "residual_of": "mean"}, epochs=2
    )
    card = train(tiny_training.dataset(), tmp_path, settings)
    assert card.recipe == Recipe(**{f: getattr(tiny.RECIPE, f) for f in Recipe.__match_args__})
    assert card.training["val_losses"][-1] < 1.0
