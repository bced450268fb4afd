"""A Keras 1 or 2 model gives after its import what it gave before, or is refused."""

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from converter.bundles.import_keras import import_keras
from converter.bundles.quantize import quantize
from converter.models.runtime import load_keras
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


def without_norm(**config: Any) -> dict[str, Any]:
    model = changed(description("sigmoid"), 0, **config)
    del model["config"][1]
    return model


@pytest.mark.parametrize(
    ("model", "version", "message"),
    [
        (description("hard_sigmoid"), "3.1.0", "hard sigmoid of Keras 3"),
        (description("hard_sigmoid"), "0.3.1", "of Keras 0.3.1; 1, 2 and 3"),
        ({"class_name": "Graph", "config": []}, "2.2.2", "it is a Graph"),
        ({"class_name": "Sequential", "config": []}, "2.2.2", r"only \(batch, frames, bins\)"),
        (changed(description("sigmoid"), 0, recurrent_activation="relu"), "2.2.2", "'relu'"),
        (changed(description("sigmoid"), 2, go_backwards=True), "2.2.2", "layer b"),
        (changed(description("sigmoid"), 2, stateful=True), "2.2.2", "stateful = True"),
        (changed(description("sigmoid"), 2, time_major=True), "2.2.2", "time_major = True"),
        (changed(description("sigmoid"), 2, return_state=True), "2.2.2", "return_state = True"),
        (changed(description("sigmoid"), 2, activation="relu"), "2.2.2", "activation = 'relu'"),
        (without_norm(return_sequences=False), "2.2.2", "another LSTM follows"),
        (changed(description("sigmoid"), 2, return_sequences=True), "2.2.2", "one for each frame"),
        (changed(description("sigmoid"), 2, units=10**9), "2.2.2", "units"),
        (changed(description("sigmoid"), 2, units=5), "2.2.2", "do not fit"),
        (changed(description("sigmoid"), 1, mode=2), "1.2.2", "by each batch"),
        (changed(description("sigmoid"), 1, epsilon="x"), "2.2.2", "epsilon 'x'"),
        (changed(description("sigmoid"), 0, batch_input_shape=[None, 10**9, 64]), "2.2.2", "takes"),
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
    with pytest.raises(ModelError, match="it has the layer Lambda"):
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
    with pytest.raises(ModelError, match=r"give the \.h5 or"):
        import_keras(tmp_path / "x.h5", tmp_path / "model", 5e6)
    with pytest.raises(ModelError, match=r"give the \.h5 or"):
        import_keras(tmp_path / "missing.h5", tmp_path / "model", 5e6)


def test_the_published_model(tmp_path: Path, shared_data: Path) -> None:
    """LTE_880M of Li et al. 2019 from file to bundle: its reference outputs to 1e-3."""
    reference = shared_data / "keras_LTE_880M_reference_io.npz"
    card = import_keras(shared_data / "LTE_880M.h5", tmp_path / "model", 5e6, reference=reference)
    assert card.training["n_parameters"] == 324_224
    assert card.training["reference_max_error"] < 1e-3
    geometry = card.geometry
    assert (geometry.n_context, geometry.n_horizon, geometry.n_bins) == (100, 25, 128)
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


def as_tensorflow_writes(model: dict[str, Any]) -> dict[str, Any]:
    """The same model with an input layer, and with layers that do nothing after training."""
    layers = model["config"]
    shape = layers[0]["config"].pop("batch_input_shape")
    head = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": shape}}
    drop = {"class_name": "Dropout", "config": {"name": "drop", "rate": 0.5}}
    frames = {"class_name": "Reshape", "config": {"name": "frames", "target_shape": [2, 64]}}
    config = {"name": "sequential", "layers": [head, layers[0], drop, *layers[1:], frames]}
    return {"class_name": "Sequential", "config": config}


def test_f4_a_file_as_tensorflow_writes_it(tmp_path: Path, rng: np.random.Generator) -> None:
    weights = random_weights(rng)
    model = as_tensorflow_writes(changed(description("hard_sigmoid"), 1, axis=[2]))
    path = write_h5(tmp_path / "tf.h5", model, weights, "2.15.0")
    x = rng.standard_normal((3, 8, 64)).astype(np.float32)
    y = np.array([naive_forward(window, weights, "hard_sigmoid") for window in x])
    # The reference has frames where the model has them.
    np.savez(tmp_path / "io.npz", x=x, y=y.reshape(3, 2, 64))
    card = import_keras(path, tmp_path / "model", 5e6, reference=tmp_path / "io.npz")
    assert card.training["reference_max_error"] < 1e-4
    assert card.geometry.n_horizon == 2


def write_keras_1(path: Path, weights: Weights, together: bool) -> Path:
    """The same model in the words of Keras 1.2: each gate has arrays of its own."""
    model = description("hard_sigmoid")
    for item in model["config"]:
        config = item["config"]
        if item["class_name"] == "LSTM":
            for new, old in (("units", "output_dim"), ("recurrent_activation", "inner_activation")):
                config[old] = config.pop(new)
            del config["use_bias"]
        elif item["class_name"] == "Dense":
            config["output_dim"], config["bias"] = config.pop("units"), config.pop("use_bias")
        else:
            config.update(mode=0, axis=-1)
            del config["scale"], config["center"]
    old: Weights = {}
    words = {"kernel": "W", "recurrent_kernel": "U", "bias": "b"}
    norms = {"moving_mean": "running_mean", "moving_variance": "running_std"}
    for layer, arrays in weights.items():
        old[layer] = {}
        for name, array in arrays.items():
            if layer in ("a", "b") and not together:
                for gate, part in zip("ifco", np.split(array, 4, axis=-1), strict=True):
                    old[layer][f"{layer}_{words[name]}_{gate}"] = part
            else:
                old[layer][f"{layer}_{words.get(name, norms.get(name, name))}"] = array
    return write_h5(path, model, old, "1.2.2")


@pytest.mark.parametrize("together", [False, True])
def test_f4_a_model_of_keras_1(tmp_path: Path, rng: np.random.Generator, together: bool) -> None:
    weights = random_weights(rng)
    path = write_keras_1(tmp_path / "old.h5", weights, together)
    x = rng.standard_normal((3, 8, 64)).astype(np.float32)
    y = np.array([naive_forward(window, weights, "hard_sigmoid") for window in x])
    np.savez(tmp_path / "io.npz", x=x, y=y)
    card = import_keras(path, tmp_path / "model", 5e6, reference=tmp_path / "io.npz")
    assert card.training["reference_max_error"] < 1e-4
    assert (card.gate, card.training["keras_version"]) == ("hard_sigmoid", "1.2.2")


class Layers:
    """The layers of Keras, which is loaded by the first test that makes one: it takes seconds."""

    def __getattr__(self, name: str) -> Any:
        if not name[0].isupper():  # pytest asks every object of a module whether it is a test
            raise AttributeError(name)
        return getattr(load_keras().layers, name)


layers = Layers()


def sequential(*parts: Any) -> Any:
    return load_keras().Sequential([layers.Input((8, 64)), *parts])


def functional() -> Any:
    inputs = x = layers.Input((8, 64))
    for layer in (lstm(return_sequences=True), layers.Dropout(0.5), lstm(), layers.Dense(128)):
        x = layer(x)
    return load_keras().Model(inputs, x)


def branched() -> Any:
    inputs = layers.Input((8, 64))
    both = layers.Add()([lstm()(inputs), lstm()(inputs)])
    return load_keras().Model(inputs, layers.Dense(128)(both))


def lstm(units: int = 6, **settings: Any) -> Any:
    return layers.LSTM(units, **settings)


def imported_like_keras(folder: Path, model: Any, ending: str, rng: np.random.Generator) -> None:
    """Save a model with random weights, import it, and compare with what it returns itself."""
    model.set_weights(
        [np.abs(rng.normal(0.1, 0.5, weight.shape)) for weight in model.get_weights()]
    )
    x = rng.standard_normal((3, 8, 64)).astype(np.float32)
    np.savez(folder / "io.npz", x=x, y=model.predict(x, verbose=0))
    with warnings.catch_warnings():
        # Keras would rather have its own format.
        warnings.simplefilter("ignore")
        model.save(folder / f"new{ending}")
    path = folder / f"new{ending}"
    card = import_keras(path, folder / "model", 5e6, reference=folder / "io.npz")
    assert card.training["reference_max_error"] < 1e-5


@pytest.mark.parametrize("ending", [".h5", ".keras"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: sequential(
            lstm(return_sequences=True, use_bias=False, dropout=0.3, unit_forget_bias=False),
            layers.SpatialDropout1D(0.2),
            layers.BatchNormalization(scale=False, epsilon=0.1),
            lstm(unroll=True),
            layers.BatchNormalization(center=False),
            layers.GaussianNoise(1.0),
            layers.Dense(20, use_bias=False),
            layers.Activation("tanh"),
            layers.Dense(128),
            layers.Activation("linear"),
            layers.Reshape((2, 64)),
        ),
        # On (batch, units) the axis 1 is the last one.
        lambda: sequential(lstm(), layers.BatchNormalization(axis=1), layers.Dense(128)),
        lambda: sequential(lstm(return_sequences=True), layers.Flatten(), layers.Dense(128)),
        lambda: sequential(lstm(), layers.Reshape((3, 2)), layers.Flatten(), layers.Dense(128)),
        lambda: sequential(lstm(), layers.Dense(128), layers.Reshape((-1, 64, 1))),
        lambda: sequential(
            lstm(), layers.Activation("relu"), layers.Dense(128, activation="sigmoid")
        ),
        functional,
    ],
)
def test_f4_what_keras_3_saved_gives_what_keras_3_gives(
    tmp_path: Path, rng: np.random.Generator, make: Callable[[], Any], ending: str
) -> None:
    imported_like_keras(tmp_path, make(), ending, rng)


@pytest.mark.parametrize("ending", [".h5", ".keras"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        # As many frames as units: its weights fit on either axis.
        (
            lambda: sequential(
                lstm(8, return_sequences=True),
                layers.BatchNormalization(axis=1),
                lstm(),
                layers.Dense(128),
            ),
            r"axis 1 of \(batch, 8, 8\)",
        ),
        (
            lambda: sequential(lstm(recurrent_activation="hard_sigmoid"), layers.Dense(128)),
            "hard sigmoid of Keras 3",
        ),
        (lambda: sequential(lstm(go_backwards=True), layers.Dense(128)), "go_backwards"),
        (lambda: sequential(layers.Masking(), lstm(), layers.Dense(128)), "layer Masking"),
        (lambda: sequential(layers.Bidirectional(lstm()), layers.Dense(128)), "Bidirectional"),
        (lambda: sequential(layers.GRU(6), layers.Dense(128)), "layer GRU"),
        (lambda: sequential(layers.Permute((2, 1)), lstm(), layers.Dense(128)), "layer Permute"),
        (lambda: sequential(sequential(lstm()), layers.Dense(128)), "layer Sequential"),
        (lambda: sequential(lstm(), layers.Dense(128), layers.Reshape((64, 2))), "each frame"),
        (lambda: sequential(layers.Flatten(), layers.Dense(128)), "has no LSTM"),
        (branched, "does not follow"),
    ],
)
def test_f4_what_would_give_something_else_is_refused(
    tmp_path: Path, rng: np.random.Generator, make: Callable[[], Any], message: str, ending: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        imported_like_keras(tmp_path, make(), ending, rng)
    assert len(str(caught.value)) < 400


def test_f4_weights_alone_are_no_model(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_h5(tmp_path / "x.h5", description("sigmoid"), random_weights(rng))
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
    with pytest.raises(ModelError, match="no description of its layers, as from save_weights"):
        import_keras(path, tmp_path / "model", 5e6)


def test_f6_arrays_that_are_not_what_they_say(tmp_path: Path, rng: np.random.Generator) -> None:
    for case in range(4):
        path = write_h5(tmp_path / "x.h5", description("sigmoid"), random_weights(rng))
        with h5py.File(path, "r+") as file:
            group = file["model_weights/out/out"]
            del group["bias:0"]
            if case == 0:
                group.create_dataset("bias:0", (10**12,), "f4", chunks=(1000,))
            elif case == 1:
                group["bias:0"] = np.full(128, np.nan, np.float32)
            elif case == 2:
                group["bias:0"] = np.array(["x"] * 128, "S9")
            else:
                (tmp_path / "secret").write_bytes(bytes(512))
                group.create_dataset(
                    "bias:0", (128,), "f4", external=[(tmp_path / "secret", 0, 512)]
                )
        message = ("more than", "not finite", "no weights", "no weights")[case]
        with pytest.raises(ModelError, match=message):
            import_keras(path, tmp_path / "model", 5e6)


def npy(header: str, version: bytes = b"\x01\x00") -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        npy("("),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", b"\x09\x00"),
    ],
)
def test_f6_references_that_are_not_what_they_say(
    tmp_path: Path, rng: np.random.Generator, content: bytes
) -> None:
    path = write_h5(tmp_path / "old.h5", description("sigmoid"), random_weights(rng))
    if content[:2] in (b"", b"PK"):
        (tmp_path / "io.npz").write_bytes(content)
    else:
        with zipfile.ZipFile(tmp_path / "io.npz", "w") as archive:
            for name in ("x.npy", "y.npy"):
                archive.writestr(name, content)
    with pytest.raises(ModelError, match="npz with x and y") as caught:
        import_keras(path, tmp_path / "model", 5e6, reference=tmp_path / "io.npz")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"PK\x03\x04", b"{}"])
def test_f6_a_model_folder_with_anything_in_it(
    tmp_path: Path, rng: np.random.Generator, content: bytes
) -> None:
    path = write_h5(tmp_path / "old.h5", description("sigmoid"), random_weights(rng))
    import_keras(path, tmp_path / "model", 5e6)
    (tmp_path / "model" / "model.keras").write_bytes(content)
    with pytest.raises(ModelError, match="train or import it again"):
        load_model(tmp_path / "model")
