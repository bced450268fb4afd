"""A converted model says what the Keras model says, in built-in operators, or is refused."""

import functools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.bundles.parity import LIMITS, Parity, check_parity
from converter.bundles.quantize import quantize
from converter.bundles.tflite import convert, operators
from converter.data.model_inputs import ModelInputs
from converter.models.architectures import build_model
from converter.models.runtime import load_keras, load_tensorflow
from converter.training.modeldir import ModelCard, load_model, save_model
from edgespec.errors import ModelError, QualityError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.inference.manifest import QUANTISATIONS
from edgespec.records import FloatArray
from tests.made import tiny, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]
#: Largest RMS error over the RMS of the Keras output: rounding of float32 sums, of float16
#: weights (2**-11 each), of weights in 255 steps, and of activations in 255 steps as well.
RMS_RTOL = {"float32": 1e-5, "float16": 1e-3, "dynamic_int8": 2e-2, "int8": 5e-2}


@functools.cache
def keras_model(architecture: str) -> Any:
    return load_model(tiny_training.trained(architecture))[1]


def keras_output(architecture: str, windows: FloatArray) -> FloatArray:
    return np.asarray(keras_model(architecture)(windows))


@pytest.mark.parametrize("kind", QUANTISATIONS)
@pytest.mark.parametrize("architecture", tiny_training.ARCHITECTURES)
def test_every_kind_stays_near_keras(architecture: str, kind: str) -> None:
    bundle = tiny_training.bundle(architecture, kind)
    backend = open_backend(bundle)
    expected = keras_output(architecture, bundle.golden_inputs)
    actual = np.stack([backend.predict(w).copy().ravel() for w in bundle.golden_inputs])
    error = np.sqrt(np.mean((actual - expected) ** 2))
    assert error <= RMS_RTOL[kind] * np.sqrt(np.mean(expected**2))
    assert check_golden(bundle, backend) <= bundle.manifest.golden_atol


@pytest.mark.parametrize("architecture", tiny_training.ARCHITECTURES)
@pytest.mark.parametrize("kind", QUANTISATIONS)
def test_float_kinds_run_in_every_backend(architecture: str, kind: str) -> None:
    bundle = tiny_training.bundle(architecture, kind)
    if kind.endswith("int8"):
        assert bundle.weights is None
        with pytest.raises(ModelError, match=f"{architecture}, {kind}"):
            open_backend(bundle, "numba")
        return
    backend = open_backend(bundle, "numba")
    worst = check_golden(bundle, backend)
    # What the file holds was read, not what Keras had before float16 rounded it.
    assert worst <= 1e-5
    expected = keras_output(architecture, bundle.golden_inputs)
    actual = np.stack([backend.predict(w).copy().ravel() for w in bundle.golden_inputs])
    error = np.sqrt(np.mean((actual - expected) ** 2))
    assert error <= RMS_RTOL[kind] * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize("kind", QUANTISATIONS)
@pytest.mark.parametrize("architecture", tiny_training.ARCHITECTURES)
def test_operators_are_built_in_and_fused(architecture: str, kind: str) -> None:
    bundle = tiny_training.bundle(architecture, kind)
    names = set(bundle.manifest.model.operators)
    assert operators(bundle.model) == bundle.manifest.model.operators
    assert "WHILE" not in names
    assert not any(name.startswith("Flex") for name in names)
    assert ("UNIDIRECTIONAL_SEQUENCE_LSTM" in names) == architecture.endswith("lstm")


# An autoregression has so few weights that the words around them weigh more.
@pytest.mark.parametrize(
    "architecture", [a for a in tiny_training.ARCHITECTURES if a != "linear-ar"]
)
def test_fewer_bits_make_a_smaller_file(architecture: str) -> None:
    sizes = {kind: len(tiny_training.bundle(architecture, kind).model) for kind in QUANTISATIONS}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]
    # Matrices of less than 1024 values stay float32 in this kind.
    assert sizes["dynamic_int8"] < sizes["float32"]


def test_the_bundle_tells_where_it_is_from() -> None:
    manifest = tiny_training.bundle("lstm", "float16").manifest
    card, _ = load_model(tiny_training.trained("lstm"))
    assert manifest.training == card.training
    assert manifest.recipe == tiny.RECIPE
    assert manifest.detectors == {}
    assert manifest.model.role == "forecast"
    assert manifest.model.quantisation == "float16"
    assert manifest.model.gate == "sigmoid"
    assert manifest.model.parity.keys() == {"max_error", "rms_error", "keras_rms"}
    assert tiny_training.bundle("autoencoder", "int8").manifest.model.role == "reconstruction"


def test_recordings_of_the_test_split_are_never_read(tmp_path: Path) -> None:
    dataset = tiny_training.dataset()
    folder = Path(shutil.copytree(dataset.folder, tmp_path / "set"))
    (folder / "test.npz").unlink()
    without = replace(dataset, folder=folder)
    done = quantize(tiny_training.trained("lstm"), tmp_path / "x.edgespec", "int8", without)
    assert done.parity.n_windows >= 16


def test_another_geometry_is_refused(tmp_path: Path) -> None:
    other = replace(tiny_training.dataset(), recipe=replace(tiny.RECIPE, n_averages=5))
    with pytest.raises(ModelError, match="the data set it was trained on"):
        quantize(tiny_training.trained("lstm"), tmp_path / "x.edgespec", "float32", other)


def test_a_model_without_the_transform_is_refused(tmp_path: Path) -> None:
    card, model = load_model(tiny_training.trained("lstm"))
    training = {**card.training, "scaling": {"mean_db": -60.0, "scale_db": 5.0}}
    save_model(tmp_path / "model", replace(card, training=training), model)
    with pytest.raises(ModelError, match="trained without the transform"):
        quantize(tmp_path / "model", tmp_path / "x.edgespec", "float32")


def saved(folder: Path, model: Any, gate: str | None = "sigmoid") -> Path:
    save_model(folder, ModelCard("made", "lstm", "forecast", gate, tiny.RECIPE), model)
    return folder


def shaken(model: Any, rng: np.random.Generator) -> Any:
    """Give every weight a value of its own, so that none can be mistaken for another."""
    weights = [rng.normal(0, 0.3, w.shape).astype(np.float32) for w in model.get_weights()]
    names = [variable.path for variable in model.weights]
    model.set_weights(
        [
            np.abs(w) + 0.5 if name.endswith("moving_variance") else w
            for name, w in zip(names, weights, strict=True)
        ]
    )
    return model


@pytest.mark.parametrize("kind", QUANTISATIONS)
def test_batch_normalisation_between_fused_layers(
    tmp_path: Path, kind: str, rng: np.random.Generator
) -> None:
    hyper = {"n_layers": 3, "n_units": 8, "batch_norm": True}
    model = shaken(build_model("lstm", tiny.GEOMETRY, hyper), rng)
    folder = saved(tmp_path / "model", model)
    done = quantize(folder, tmp_path / "x.edgespec", kind, tiny_training.dataset())
    assert "WHILE" not in done.bundle.manifest.model.operators
    assert done.parity.rms_error <= RMS_RTOL[kind] * done.parity.keras_rms
    assert (done.bundle.weights is None) == kind.endswith("int8")
    assert bool(done.no_weights) == kind.endswith("int8")
    if done.bundle.weights is not None:
        assert check_golden(done.bundle, open_backend(done.bundle, "numba")) <= 1e-5


def hard_sigmoid_model(rng: np.random.Generator) -> Any:
    keras = load_keras()
    from converter.models.gates import keras2_hard_sigmoid

    window = keras.Input((8, 64))
    x = keras.layers.LSTM(8, recurrent_activation=keras2_hard_sigmoid)(window)
    return shaken(keras.Model(window, keras.layers.Dense(256)(x)), rng)


def test_other_gates_stay_a_loop(tmp_path: Path, rng: np.random.Generator) -> None:
    model = hard_sigmoid_model(rng)
    folder = saved(tmp_path / "model", model, "hard_sigmoid")
    done = quantize(folder, tmp_path / "x.edgespec", "float32")
    assert "WHILE" in done.bundle.manifest.model.operators
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" not in done.bundle.manifest.model.operators
    # Windows large enough to saturate the gates, where hard sigmoids differ most.
    backend = open_backend(done.bundle)
    for window in 3 * rng.standard_normal((4, 8, 64), np.float32):
        expected = model.predict(window[np.newaxis], verbose=0).reshape(4, 64)
        np.testing.assert_allclose(backend.predict(window), expected, atol=1e-4)
    assert check_golden(done.bundle, open_backend(done.bundle, "numba")) <= 1e-5
    half = quantize(folder, tmp_path / "half.edgespec", "float16")
    assert half.bundle.weights is None
    assert "convert it as float32" in half.no_weights
    with pytest.raises(ModelError, match="choose dynamic_int8, float16 or float32"):
        quantize(folder, tmp_path / "y.edgespec", "int8", tiny_training.dataset())
    assert not (tmp_path / "y.edgespec").exists()


def test_int8_of_what_stays_a_loop_is_refused_by_the_name_of_its_layer() -> None:
    model = build_model("rnn", tiny.GEOMETRY, {"n_units": 4})
    some = ModelInputs(np.zeros((1, 8, 64), np.float32), ())
    with pytest.raises(ModelError, match=r"int8 is not possible for 'simple_rnn.*': it stays a l"):
        convert(model, "int8", some)


def test_the_gate_of_keras_2_is_not_that_of_keras_3() -> None:
    keras = load_keras()
    from converter.models.gates import keras2_hard_sigmoid

    x = np.linspace(-4, 4, 81, dtype=np.float32)
    ours = np.asarray(keras2_hard_sigmoid(x))
    np.testing.assert_allclose(ours, np.clip(0.2 * x + 0.5, 0, 1), atol=1e-6)
    assert np.abs(ours - np.asarray(keras.activations.hard_sigmoid(x))).max() > 0.05


def test_int8_needs_windows_and_kinds_are_known(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--dataset"):
        quantize(tiny_training.trained("lstm"), tmp_path / "x.edgespec", "int8")
    with pytest.raises(ModelError, match="float32, float16, dynamic_int8, int8"):
        quantize(tiny_training.trained("lstm"), tmp_path / "x.edgespec", "int4")


@pytest.mark.parametrize("kind", QUANTISATIONS)
def test_an_error_above_the_limit_is_refused(kind: str) -> None:
    limits = LIMITS[kind]
    at_limit = Parity(2 * limits.peak, 2 * limits.rms, 2.0, 32)
    check_parity(at_limit, kind)
    for worse in (
        replace(at_limit, max_error=at_limit.max_error * 1.01),
        replace(at_limit, rms_error=at_limit.rms_error * 1.01),
        replace(at_limit, max_error=float("nan")),
        replace(at_limit, rms_error=float("nan")),
    ):
        with pytest.raises(QualityError, match="differs from Keras"):
            check_parity(worse, kind)


def test_lost_weights_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    _, model = load_model(tiny_training.trained("lstm"))
    assert len(convert(model, "float32")) >= 4 * model.count_params()
    half = type("Half", (), {"convert": lambda self: bytes(model.count_params())})()
    lite = load_tensorflow().lite
    monkeypatch.setattr(half, "target_spec", lite.TargetSpec(), raising=False)
    monkeypatch.setattr(lite.TFLiteConverter, "from_saved_model", lambda _: half)
    with pytest.raises(ModelError, match="weights were lost"):
        convert(model, "float32")


def test_a_failing_converter_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> bytes:
        raise RuntimeError("first line\nsecond line")

    _, model = load_model(tiny_training.trained("lstm"))
    lite = load_tensorflow().lite
    broken = type("Broken", (), {"convert": fail, "target_spec": lite.TargetSpec()})()
    monkeypatch.setattr(lite.TFLiteConverter, "from_saved_model", lambda _: broken)
    with pytest.raises(ModelError, match="first line second line"):
        convert(model, "float32")


def test_quantised_input_and_output(tmp_path: Path) -> None:
    """A file whose tensors are int8 at its edges gives nearly what the float one gives."""
    floating = tiny_training.bundle("autoencoder", "float32")
    model = int8_edges()
    info = replace(floating.manifest.model, quantisation="int8", operators=operators(model))
    bundle = Bundle(
        replace(floating.manifest, model=info),
        model,
        floating.golden_inputs,
        floating.golden_outputs,
        "",
        tmp_path,
    )
    backend = open_backend(bundle)
    for window, expected in zip(bundle.golden_inputs, bundle.golden_outputs, strict=True):
        error = np.sqrt(np.mean((backend.predict(window) - expected) ** 2))
        assert error <= RMS_RTOL["int8"] * np.sqrt(np.mean(expected**2))


def int8_edges() -> bytes:
    import tempfile

    import tensorflow as tf

    from converter.bundles.fused_lstm import save_fused
    from converter.bundles.tflite import KINDS
    from converter.data.views import WindowSet

    _, model = load_model(tiny_training.trained("autoencoder"))
    windows = WindowSet(tiny_training.dataset(), ("train",))
    shown = windows.model_inputs("reconstruction", np.arange(64))
    with tempfile.TemporaryDirectory() as folder:
        save_fused(model, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        KINDS["int8"](tf, converter, lambda: ([window[np.newaxis]] for window in shown))
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def test_the_bundle_on_disk_is_the_one_returned(tmp_path: Path) -> None:
    path = tmp_path / "x.edgespec"
    done = quantize(tiny_training.trained("autoencoder"), path, "float16")
    assert load_bundle(path).sha256 == done.bundle.sha256
    training = json.loads((tiny_training.trained("autoencoder") / "training.json").read_text())
    assert done.bundle.manifest.training == training["training"]


def test_the_cell_state_is_not_bounded(tmp_path: Path, rng: np.random.Generator) -> None:
    recipe = replace(tiny.RECIPE, n_context=40)
    model = shaken(build_model("lstm", recipe.geometry, {"n_layers": 1, "n_units": 8}), rng)
    kernel, recurrent, bias, *dense = model.get_weights()
    # All gates stand open and the candidate is the sign of the first bin: the cell counts 20
    # frames up and 20 down again. Bounded at 10 it would end 10 too low.
    kernel[:], recurrent[:], bias[:] = 0, 0, 6
    kernel[0, 16:24], bias[16:24] = 6, 0
    model.set_weights([kernel, recurrent, bias, *dense])
    folder = tmp_path / "model"
    save_model(folder, ModelCard("made", "lstm", "forecast", "sigmoid", recipe), model)
    done = quantize(folder, tmp_path / "x.edgespec", "float32")
    window = np.zeros((40, 64), np.float32)
    window[:20, 0], window[20:, 0] = 1, -1
    expected = model.predict(window[np.newaxis], verbose=0).reshape(4, 64)
    actual = open_backend(done.bundle).predict(window)
    # The rounding of forty sums near 20, in units of the output.
    np.testing.assert_allclose(actual, expected, atol=1e-4)
