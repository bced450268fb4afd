"""Whatever the bytes of a Keras file: a model, or one sentence (F6)."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.bundles.import_keras import check_reference, read_model
from converter.bundles.keras_file import read_file
from edgespec.door import door
from edgespec.errors import ModelError
from tests.made.mutations import check_door, mutated, odd_values

pytestmark = pytest.mark.converter

LSTM = {"name": "a", "units": 2, "activation": "tanh", "recurrent_activation": "sigmoid"}
DENSE = {"name": "out", "units": 8, "activation": "linear"}
NORM = {"name": "bn", "axis": [1], "epsilon": 0.001}
LAYERS = [
    {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 3, 4]}},
    {"class_name": "LSTM", "config": LSTM},
    {"class_name": "BatchNormalization", "config": NORM},
    {"class_name": "Dense", "config": DENSE},
]
SHAPES = {
    "a": {"kernel": (4, 8), "recurrent_kernel": (2, 8), "bias": (8,)},
    "bn": dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (2,)),
    "out": {"kernel": (2, 8), "bias": (8,)},
}
KEYS = (
    *("name", "units", "activation", "recurrent_activation", "use_bias", "batch_input_shape"),
    *("axis", "epsilon", "scale", "center", "mode", "return_sequences", "stateful", "time_major"),
    *("target_shape", "data_format", "output_dim", "inner_activation", "bias"),
)


def model_of(layers: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}


def h5(model: Any, version: str = "2.15.0") -> bytes:
    out = BytesIO()
    with h5py.File(out, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["model_config"] = json.dumps(model).encode("utf-8", errors="replace")
        for layer, arrays in SHAPES.items():
            group = file.create_group(f"model_weights/{layer}")
            group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
            for name, shape in arrays.items():
                group[f"{layer}/{name}:0"] = np.full(shape, 0.5, np.float32)
    return out.getvalue()


def keras_zip(model: Any) -> bytes:
    weights = BytesIO()
    with h5py.File(weights, "w") as file:
        places = {"a": "lstm/cell", "bn": "batch_normalization", "out": "dense"}
        for layer, arrays in SHAPES.items():
            for i, shape in enumerate(arrays.values()):
                file[f"layers/{places[layer]}/vars/{i}"] = np.full(shape, 0.5, np.float32)
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("model.weights.h5", weights.getvalue())
    return out.getvalue()


H5, ZIP = h5(model_of(LAYERS)), keras_zip(model_of(LAYERS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def read(path: Path) -> None:
    with door("the file", ModelError, "give another"):
        read_file(path)


def test_the_files_to_be_damaged_are_good(folder: Path) -> None:
    for name, content in (("a.h5", H5), ("a.keras", ZIP)):
        (folder / name).write_bytes(content)
        assert check_door(lambda path=folder / name: read_model(path)) == ""


@given(mutated(H5))
def test_f6_hdf5_of_damaged_bytes(folder: Path, content: bytes) -> None:
    (folder / "b.h5").write_bytes(content)
    check_door(lambda: read(folder / "b.h5"))


@given(mutated(ZIP))
def test_f6_zips_of_damaged_bytes(folder: Path, content: bytes) -> None:
    (folder / "c.keras").write_bytes(content)
    check_door(lambda: read(folder / "c.keras"))


settings_of_layers = st.dictionaries(st.sampled_from(KEYS), odd_values(), min_size=1, max_size=3)


@given(st.integers(0, 3), settings_of_layers, st.sampled_from(["1.2.2", "2.15.0", "3.15.1", "x"]))
def test_f6_settings_of_any_value(
    folder: Path, which: int, settings: dict[str, Any], version: str
) -> None:
    layers = [dict(layer) for layer in LAYERS]
    layers[which] = {**layers[which], "config": {**layers[which]["config"], **settings}}
    (folder / "d.h5").write_bytes(h5(model_of(layers), version))
    check_door(lambda: read_model(folder / "d.h5"))


@given(odd_values() | st.lists(odd_values(), max_size=3).map(model_of))
def test_f6_descriptions_of_any_value(folder: Path, model: Any) -> None:
    (folder / "e.h5").write_bytes(h5(model))
    check_door(lambda: read_model(folder / "e.h5"))


class Model:
    """Stands for a Keras model: its outputs are its inputs, flat."""

    def predict(self, x: Any, verbose: int) -> Any:
        return x.reshape(len(x), -1)


@pytest.fixture(scope="module")
def reference() -> bytes:
    out = BytesIO()
    np.savez(out, x=np.zeros((2, 3, 4), np.float32), y=np.zeros((2, 12), np.float32))
    return out.getvalue()


@given(st.data())
def test_f6_references_of_damaged_bytes(folder: Path, reference: bytes, data: Any) -> None:
    (folder / "f.npz").write_bytes(data.draw(mutated(reference)))
    check_door(lambda: check_reference(Model(), folder / "f.npz"))
