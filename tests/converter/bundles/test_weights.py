"""Weights for our own kernels, from TFLite files and from Keras models."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from converter.bundles.keras_weights import network_of_keras
from converter.bundles.quantize import quantize
from converter.bundles.stack import Affine, as_network
from converter.bundles.tflite import convert
from converter.bundles.tflite_weights import network_of_tflite
from converter.bundles.weights import add_weights
from converter.cli import main
from converter.models.architectures import build_model
from converter.models.runtime import load_keras
from converter.training.modeldir import ModelCard, save_model
from edgespec.errors import ModelError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import load_bundle, write_bundle
from edgespec.inference.network import Dense, Lstm
from tests import naive
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]


def shaken(model: Any, rng: np.random.Generator) -> Any:
    """Give every weight a value of its own, variances a positive one."""
    model.set_weights(
        [
            np.abs(rng.normal(0, 0.3, v.shape)) + 0.5
            if v.path.endswith("moving_variance")
            else rng.normal(0, 0.3, v.shape)
            for v in model.weights
        ]
    )
    return model


def network(rng: np.random.Generator, gate: Any, activation: str = "linear") -> Any:
    """Two LSTM layers with batch normalisation behind each, and two dense layers."""
    keras = load_keras()
    window = keras.Input((8, 64))
    x = keras.layers.LSTM(8, recurrent_activation=gate, return_sequences=True)(window)
    x = keras.layers.BatchNormalization(epsilon=0.01)(x)
    x = keras.layers.LSTM(8, recurrent_activation=gate)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dense(12, activation=activation)(x)
    return shaken(keras.Model(window, keras.layers.Dense(256)(x)), rng)


def gates() -> dict[str, Any]:
    from converter.models.gates import keras2_hard_sigmoid

    load_keras()
    return {"sigmoid": "sigmoid", "hard_sigmoid": keras2_hard_sigmoid}


@pytest.mark.parametrize("gate", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_keras_and_its_network_agree(rng: np.random.Generator, gate: str, activation: str) -> None:
    model = network(rng, gates()[gate], activation)
    net = network_of_keras(model)
    assert [layer.gate for layer in net.lstms] == [gate, gate]
    assert [layer.activation for layer in net.denses] == [activation, "linear"]
    for window in rng.standard_normal((3, 8, 64), np.float32):
        expected = model.predict(window[np.newaxis], verbose=0)[0]
        np.testing.assert_allclose(naive.network(window, net), expected, atol=1e-5)


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid"])
def test_tflite_and_its_network_agree(rng: np.random.Generator, activation: str) -> None:
    model = network(rng, "sigmoid", activation)
    exact, half = (network_of_tflite(convert(model, kind)) for kind in ("float32", "float16"))
    for window in rng.standard_normal((3, 8, 64), np.float32):
        expected = model.predict(window[np.newaxis], verbose=0)[0]
        np.testing.assert_allclose(naive.network(window, exact), expected, atol=1e-5)
        # Weights of eleven bits.
        np.testing.assert_allclose(naive.network(window, half), expected, atol=1e-2)


def test_what_our_kernels_do_not_have_is_named(rng: np.random.Generator) -> None:
    keras = load_keras()
    window = keras.Input((8, 64))
    gru = keras.Model(window, keras.layers.Dense(256)(keras.layers.GRU(8)(window)))
    with pytest.raises(ModelError, match="GRU"):
        network_of_keras(gru)
    relu = keras.Model(
        window, keras.layers.Dense(4)(keras.layers.LSTM(8, activation="relu")(window))
    )
    with pytest.raises(ModelError, match="LSTM"):
        network_of_keras(relu)
    swish = keras.Model(
        window, keras.layers.Dense(4, activation="swish")(keras.layers.Flatten()(window))
    )
    with pytest.raises(ModelError, match="not a row of layers"):
        network_of_tflite(convert(swish, "float32"))
    dense = keras.Model(window, keras.layers.Dense(64)(keras.layers.Flatten()(window)))
    with pytest.raises(ModelError, match="another type than float32"):
        network_of_tflite(convert(shaken(dense, rng), "dynamic_int8"))


def test_affines_are_folded_wherever_they_stand(rng: np.random.Generator) -> None:
    first = Dense("relu", *(rng.standard_normal(s, np.float32) for s in ((4, 3), (3,))))
    last = Dense("linear", *(rng.standard_normal(s, np.float32) for s in ((3, 2), (2,))))
    before, between, again, after = (
        Affine(rng.normal(1, 0.3, n), rng.normal(0, 1, n)) for n in (4, 3, 3, 2)
    )
    x = rng.normal(0, 1, 4)
    y = np.maximum((before.scale * x + before.offset) @ first.kernel + first.bias, 0)
    y = again.scale * (between.scale * y + between.offset) + again.offset
    y = after.scale * (y @ last.kernel + last.bias) + after.offset
    net = as_network([before, first, between, again, last, after])
    np.testing.assert_allclose(naive.network(x, net), y, atol=1e-5)
    with pytest.raises(ModelError, match="no dense layer can take in"):
        as_network([first, between])
    lstm = Lstm("sigmoid", *(rng.standard_normal(s, np.float32) for s in ((3, 8), (2, 8), (8,))))
    with pytest.raises(ModelError, match="behind a dense one"):
        as_network([first, lstm])


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_weights_are_added_to_a_bundle_that_has_none(tmp_path: Path, kind: str) -> None:
    made = tiny_training.bundle("lstm", kind)
    bare = write_bundle(
        tmp_path / "bare.edgespec",
        made.manifest,
        made.model,
        made.golden_inputs,
        made.golden_outputs,
    )
    assert bare.weights is None
    done = add_weights(bare.path, bare.path)
    assert done.weights == made.weights
    assert (done.manifest, done.model) == (made.manifest, made.model)
    again = load_bundle(bare.path)
    assert check_golden(again, open_backend(again, "numba")) <= 1e-5
    with pytest.raises(ModelError, match="dynamic_int8 computes with integers"):
        add_weights(tiny_training.bundle("lstm", "dynamic_int8").path, tmp_path / "x.edgespec")


def test_a_loop_needs_the_model(tmp_path: Path, rng: np.random.Generator) -> None:
    model = network(rng, gates()["hard_sigmoid"])
    card = ModelCard("made", "lstm", "forecast", "hard_sigmoid", tiny.RECIPE)
    save_model(tmp_path / "model", card, model)
    made = quantize(tmp_path / "model", tmp_path / "x.edgespec", "float32").bundle
    with pytest.raises(ModelError, match="give the folder of the Keras model"):
        add_weights(made.path, tmp_path / "y.edgespec")
    done = add_weights(made.path, tmp_path / "y.edgespec", tmp_path / "model")
    assert done.weights == made.weights
    other = shaken(build_model("lstm", tiny.GEOMETRY, {"n_units": 8}), rng)
    save_model(tmp_path / "other", card, other)
    with pytest.raises(ModelError, match="differs from the golden vectors"):
        add_weights(made.path, tmp_path / "z.edgespec", tmp_path / "other")
    assert not (tmp_path / "z.edgespec").exists()


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    made = tiny_training.bundle("autoencoder", "float16")
    bare = write_bundle(
        *(tmp_path / "bare.edgespec", made.manifest, made.model),
        *(made.golden_inputs, made.golden_outputs),
    )
    out = tmp_path / "full.edgespec"
    done = CliRunner().invoke(main, ["add-weights", str(bare.path), "-o", str(out), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["sha256"] == load_bundle(out).sha256
    assert said["weights_bytes"] == len(made.weights or b"") > 0
    assert load_bundle(bare.path).weights is None
