"""A Keras 1 or 2 model gives after its import what it gave before, or is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from converter.bundles.import_keras import import_keras
from converter.bundles.quantize import quantize
from converter.training.modeldir import load_model
from edgespec.errors import ModelError, QualityError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle
from tests.made import tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]
Weights = dict[str, dict[str, np.ndarray]]


def lstm_config(name: str, gate: str, return_sequences: bool) -> dict[str, Any]:
    return {
        "name": name,
        "units": 6,
        "activation": "tanh",
        "recurrent_activation": gate,
        "return_sequences": return_sequences,
        "use_bias": True,
        "go_backwards": False,
        "stateful": False,
    }


def description(gate: str) -> dict[str, Any]:
    norm = {"name": "bn", "epsilon": 0.01, "scale": True, "center": True}
    dense = {"name": "out", "units": 128, "activation": "linear", "use_bias": True}
    first = {**lstm_config("a", gate, True), "batch_input_shape": [None, 8, 64]}
    return {
        "class_name": "Sequential",
        "config": [
            {"class_name": "LSTM", "config": first},
            {"class_name": "BatchNormalization", "config": norm},
            {"class_name": "LSTM", "config": lstm_config("b", gate, False)},
            {"class_name": "Dense", "config": dense},
        ],
    }


def random_weights(rng: np.random.Generator) -> Weights:
    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    def lstm(n_inputs: int) -> dict[str, np.ndarray]:
        return {"kernel": draw(n_inputs, 24), "recurrent_kernel": draw(6, 24), "bias": draw(24)}

    norm = {
        "gamma": draw(6),
        "beta": draw(6),
        "moving_mean": draw(6),
        "moving_variance": draw(6) ** 2 + 0.1,
    }
    return {
        "a": lstm(64),
        "bn": norm,
        "b": lstm(6),
        "out": {"kernel": draw(6, 128), "bias": draw(128)},
    }


def write_h5(path: Path, model: dict[str, Any], weights: Weights, version: str = "2.2.2") -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["model_config"] = json.dumps(model).encode()
        root = file.create_group("model_weights")
        for layer, arrays in weights.items():
            group = root.create_group(layer)
            names = [f"{layer}/{name}:0" for name in arrays]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, arrays.values(), strict=True):
                group[name] = array
    return path


def naive_forward(x: np.ndarray, weights: Weights, gate: str) -> np.ndarray:
    """The model in float64, step by step (gates in the order input, forget, cell, output)."""
    gates: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "hard_sigmoid": lambda z: np.clip(0.2 * z + 0.5, 0, 1),
    }

    def lstm(sequence: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
        h = c = np.zeros(6)
        outputs = []
        for step in sequence:
            z = step @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
            i, f, g, o = np.split(z, 4)
            c = gates[gate](f) * c + gates[gate](i) * np.tanh(g)
            h = gates[gate](o) * np.tanh(c)
            outputs.append(h)
        return np.array(outputs)

    wide = {n: {k: v.astype(np.float64) for k, v in w.items()} for n, w in weights.items()}
    norm = wide["bn"]
    y = lstm(x, wide["a"])
    y = (y - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 0.01)
    y = y * norm["gamma"] + norm["beta"]
    return lstm(y, wide["b"])[-1] @ wide["out"]["kernel"] + wide["out"]["bias"]


@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
def test_an_imported_model_gives_what_it_gave(
    tmp_path: Path, gate: str, rng: np.random.Generator
) -> None:
    weights = random_weights(rng)
    path = write_h5(tmp_path / "old.h5", description(gate), weights)
    x = rng.standard_normal((5, 8, 64)).astype(np.float32)
    y = np.array([naive_forward(window, weights, gate) for window in x])
    np.savez(tmp_path / "io.npz", x=x, y_numpy=y)
    card = import_keras(path, tmp_path / "model", 5e6, reference=tmp_path / "io.npz")
    # float32 against float64, over eight steps and two layers.
    assert card.training["reference_max_error"] < 1e-4
    assert card.gate == gate
    assert (card.geometry.n_context, card.geometry.n_horizon) == (8, 2)
    assert card.training["input_scaling"].startswith("unknown")
    quantize(tmp_path / "model", tmp_path / "x.edgespec", "float32")
    bundle = load_bundle(tmp_path / "x.edgespec")
    fused = "UNIDIRECTIONAL_SEQUENCE_LSTM" in bundle.manifest.model.operators
    assert fused == (gate == "sigmoid")
    backend = open_backend(bundle)
    for window, expected in zip(x, y, strict=True):
        np.testing.assert_allclose(backend.predict(window).ravel(), expected, atol=1e-4)


def test_a_wrong_reference_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    weights = random_weights(rng)
    path = write_h5(tmp_path / "old.h5", description("hard_sigmoid"), weights)
    x = rng.standard_normal((2, 8, 64)).astype(np.float32)
    y = np.array([naive_forward(window, weights, "sigmoid") for window in x])
    np.savez(tmp_path / "io.npz", x=x, y=y)
    with pytest.raises(QualityError, match="differs from"):
        import_keras(path, tmp_path / "model", 5e6, reference=tmp_path / "io.npz")
    assert not (tmp_path / "model").exists()
    np.savez(tmp_path / "io.npz", x=x)
    with pytest.raises(ModelError, match="with x and y"):
        import_keras(path, tmp_path / "model", 5e6, reference=tmp_path / "io.npz")


def changed(model: dict[str, Any], layer: int, **config: Any) -> dict[str, Any]:
    model["config"][layer]["config"].update(config)
    return model


@pytest.mark.parametrize(
    ("model", "version", "message"),
    [
        (description("hard_sigmoid"), "3.1.0", "Keras 1 or 2"),
        ({"class_name": "Functional", "config": []}, "2.2.2", "Functional"),
        ({"class_name": "Sequential", "config": []}, "2.2.2", r"only \(batch, frames, bins\)"),
        (changed(description("sigmoid"), 0, recurrent_activation="relu"), "2.2.2", "'relu'"),
        (changed(description("sigmoid"), 2, go_backwards=True), "2.2.2", "layer b"),
        (changed(description("sigmoid"), 1, scale=False), "2.2.2", "layer bn"),
        (changed(description("sigmoid"), 3, activation="softmax"), "2.2.2", "'softmax'"),
        (changed(description("sigmoid"), 0, recurrent_activation="hard_sigmoid"), "2.2.2", "gates"),
        (changed(description("sigmoid"), 0, batch_input_shape=[None, 64]), "2.2.2", "takes"),
        (changed(description("sigmoid"), 3, name="missing"), "2.2.2", "missing"),
    ],
)
def test_what_cannot_be_imported_is_named(
    tmp_path: Path, rng: np.random.Generator, model: dict[str, Any], version: str, message: str
) -> None:
    path = write_h5(tmp_path / "old.h5", model, random_weights(rng), version)
    with pytest.raises(ModelError, match=message):
        import_keras(path, tmp_path / "model", 5e6)


def test_code_in_a_file_is_not_run(tmp_path: Path, rng: np.random.Generator) -> None:
    model = description("sigmoid")
    model["config"].append(
        {"class_name": "Lambda", "config": {"name": "out", "function": ["evil"]}}
    )
    path = write_h5(tmp_path / "old.h5", model, random_weights(rng))
    with pytest.raises(ModelError, match="has the layer Lambda"):
        import_keras(path, tmp_path / "model", 5e6)


def test_weights_of_another_shape_are_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    weights = random_weights(rng)
    weights["out"]["kernel"] = weights["out"]["kernel"][:, :100]
    path = write_h5(tmp_path / "old.h5", description("sigmoid"), weights)
    with pytest.raises(ModelError, match="out"):
        import_keras(path, tmp_path / "model", 5e6)


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + b"\x00" * 100])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(ModelError, match=r"give the \.h5 file"):
        import_keras(tmp_path / "x.h5", tmp_path / "model", 5e6)
    with pytest.raises(ModelError, match=r"give the \.h5 file"):
        import_keras(tmp_path / "missing.h5", tmp_path / "model", 5e6)


def test_the_published_model(tmp_path: Path, shared_data: Path) -> None:
    """LTE_880M of Li et al. 2019 from file to bundle: its reference outputs to 1e-3."""
    reference = shared_data / "keras_LTE_880M_reference_io.npz"
    card = import_keras(shared_data / "LTE_880M.h5", tmp_path / "model", 5e6, reference=reference)
    assert card.training["n_parameters"] == 324_224
    assert card.training["reference_max_error"] < 1e-3
    geometry = card.geometry
    assert (geometry.n_context, geometry.n_horizon, geometry.n_fft) == (100, 25, 128)
    _, model = load_model(tmp_path / "model")
    done = quantize(tmp_path / "model", tmp_path / "x.edgespec", "float32")
    backends = [open_backend(done.bundle, name) for name in ("litert", "numba")]
    with np.load(reference) as arrays:
        outputs = arrays["y_tf_keras"]
        for window, expected in zip(arrays["x"], outputs, strict=True):
            for backend in backends:
                assert np.abs(backend.predict(window).ravel() - expected).max() < 1e-3
        assert np.abs(model.predict(arrays["x"], verbose=0) - outputs).max() < 1e-3
    with pytest.raises(QualityError, match="dynamic_int8 differs from Keras"):
        quantize(tmp_path / "model", tmp_path / "y.edgespec", "dynamic_int8")
    assert not (tmp_path / "y.edgespec").exists()
