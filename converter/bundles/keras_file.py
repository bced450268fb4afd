"""The layers of a model that Keras 1, 2 or 3 has saved, with their weights in one shape.

Two containers are read: HDF5 (``.h5``, of all versions), a description in JSON and arrays by name,
and the zip of Keras 2.12 and later (``.keras``), where the arrays have numbers instead. Nothing in
them is executed, and Keras itself never opens them.
"""

import json
import re
import resource
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import ModelError

__all__ = ["StoredLayer", "StoredModel", "read_file"]

_MOST_LAYERS = 100
#: Far more than a board could run; 64 MB.
_MOST_WEIGHTS = 1 << 24
_JSON_BYTES = 1 << 22
#: Room for the weights in float64 and in float32, and for what HDF5 keeps of its own.
_MEMORY_BYTES = 1 << 28
_ADVICE = "give the .h5 or .keras file that model.save has written"
#: Keras 1 had other words for the settings that count here.
_KERAS_1 = {"output_dim": "units", "inner_activation": "recurrent_activation", "bias": "use_bias"}
_KERAS_1_ARRAYS = {"running_mean": "moving_mean", "running_std": "moving_variance"}
_GATES = "ifco"


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer by the name of its class, its settings, and its arrays by the names of Keras 2."""

    kind: str
    config: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the file calls it, for messages."""
        return brief(self.config.get("name", self.kind), 40)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """Layers in a row and the version of Keras that wrote them."""

    layers: tuple[StoredLayer, ...]
    keras_version: str

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.keras_version.partition(".")[0])


def read_file(path: Path) -> StoredModel:
    """Return the layers of a saved model.

    Raises:
        ModelError: it is no model of Keras, or not one of layers in a row.
    """
    if zipfile.is_zipfile(path):
        return _read_zip(path)
    import h5py

    with _little_memory(), h5py.File(path) as file:
        if "model_config" not in file.attrs:
            raise ModelError(
                f"it has no description of its layers, as from save_weights: {_ADVICE}"
            )
        version = _version(file.attrs["keras_version"])
        items = _items(_json(file.attrs["model_config"]))
        budget = _Budget()
        layers = [
            StoredLayer(kind, config, _named_arrays(file["model_weights"], kind, config, budget))
            for kind, config in items
        ]
    return StoredModel(tuple(layers), version)


def _read_zip(path: Path) -> StoredModel:
    import h5py

    with zipfile.ZipFile(path) as archive:
        version = _version(_json(_member(archive, "metadata.json", _JSON_BYTES))["keras_version"])
        items = _items(_json(_member(archive, "config.json", _JSON_BYTES)))
        weights = _member(archive, "model.weights.h5", 8 * _MOST_WEIGHTS)
    with _little_memory(), h5py.File(BytesIO(weights)) as file:
        budget = _Budget()
        root = next(
            file[key] for key in ("layers", "_layer_checkpoint_dependencies") if key in file
        )
        layers = []
        counts: dict[str, int] = {}
        for kind, config in items:
            stem = _snake(kind)
            number = counts[stem] = counts.get(stem, -1) + 1
            names = (f"{stem}_{number}" if number else stem, str(config.get("name")))
            group = next((root[name] for name in names if name in root), None)
            arrays = {} if group is None else _numbered_arrays(group, kind, config, budget)
            layers.append(StoredLayer(kind, config, arrays))
    return StoredModel(tuple(layers), version)


def _member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    with archive.open(name) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ModelError(f"its {name} has more than {most_bytes} bytes: {_ADVICE}")
    return content


@contextmanager
def _little_memory() -> Iterator[None]:
    """Let this process grow by a part of its memory only, where Linux can say how large it is.

    HDF5 believes the sizes that a file names: one damaged byte makes it take 4 GB.
    """
    size = Path("/proc/self/statm")
    if not size.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = int(size.read_text().split()[0]) * resource.getpagesize() + _MEMORY_BYTES
    if soft == resource.RLIM_INFINITY or limit < soft:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class _Budget:
    """What may still be read of the arrays of one file, whose sizes are its own claim."""

    def __init__(self) -> None:
        self._n_left = _MOST_WEIGHTS

    def read(self, dataset: Any) -> NDArray[np.float32]:
        """Return an array of a file as float32.

        Raises:
            ModelError: it holds no numbers, or too many.
        """
        shape, kind = dataset.shape, dataset.dtype.kind
        if kind != "f" or len(shape) > 2 or dataset.external or dataset.is_virtual:
            raise ModelError(
                f"it has an array of {brief(dataset.dtype, 40)}, no weights: {_ADVICE}"
            )
        self._n_left -= int(np.prod(shape, dtype=object))
        if self._n_left < 0:
            raise ModelError(f"it has more than {_MOST_WEIGHTS} weights, which no board can run")
        array = np.asarray(dataset, np.float32)
        if not np.isfinite(array).all():
            raise ModelError("it has weights that are not finite: train it again")
        return array


def _items(model: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return class and settings of the layers of a Sequential model, or of a straight chain."""
    kind, config = model["class_name"], model["config"]
    if kind not in ("Sequential", "Functional", "Model"):
        raise ModelError(f"it is a {brief(kind, 40)}; Sequential can be imported")
    items = config["layers"] if isinstance(config, dict) else config
    if len(items) > _MOST_LAYERS:
        raise ModelError(f"it has {len(items)} layers; at most {_MOST_LAYERS} can be imported")
    if kind != "Sequential":
        _check_chain(items)
    return [(str(item["class_name"]), _keras_2(item["config"])) for item in items]


def _check_chain(items: list[dict[str, Any]]) -> None:
    """Refuse a functional model in which a layer has anything but the one before as its input."""
    before: list[str] = []
    for item in items:
        nodes = item["inbound_nodes"]
        # A call is [[name, node, output, settings]] in Keras 2 and holds a keras_history in 3.
        text = json.dumps(nodes)
        found = re.findall(r'"keras_history": \["([^"]*)", 0, 0\]', text) or re.findall(
            r'\["([^"]*)", 0, 0, \{\}\]', text
        )
        if found != before or len(nodes) > 1:
            raise ModelError(
                f"its layer {brief(item['config'].get('name'), 40)} does not follow on the one "
                f"before it alone ({brief(found, 80)}); only layers in a row can be imported"
            )
        before = [str(item["config"]["name"])]


def _keras_2(config: Mapping[str, Any]) -> dict[str, Any]:
    return {_KERAS_1.get(key, key): value for key, value in config.items()}


def _named_arrays(
    weights: Any, kind: str, config: Mapping[str, Any], budget: _Budget
) -> dict[str, NDArray[np.float32]]:
    name = config.get("name")
    if kind == "InputLayer" or name not in weights:
        return {}
    group = weights[name]
    arrays: dict[str, NDArray[np.float32]] = {}
    for key in map(_text, group.attrs.get("weight_names", ())):
        short = key.rpartition("/")[2].partition(":")[0].removeprefix(f"{name}_")
        arrays[_KERAS_1_ARRAYS.get(short, short)] = budget.read(group[key])
    if kind == "LSTM" and "kernel" not in arrays:
        return _joined_gates(arrays)
    if kind == "Dense" and "kernel" not in arrays:
        return {{"W": "kernel", "b": "bias"}.get(key, key): array for key, array in arrays.items()}
    return arrays


def _joined_gates(arrays: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a Keras 1 LSTM, which has one of each kind for each gate."""
    names = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
    if set(arrays) == set(names):
        # Saved from its mode for GPUs, where they are together, in the same order.
        return {names[key]: array for key, array in arrays.items()}
    return {
        long: np.concatenate([arrays[f"{short}_{gate}"] for gate in _GATES], axis=-1)
        for short, long in names.items()
    }


def _numbered_arrays(
    group: Any, kind: str, config: Mapping[str, Any], budget: _Budget
) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a layer whose names are their places among those that it has."""
    bias = ["bias"] if config.get("use_bias", True) else []
    names = {
        "LSTM": ["kernel", "recurrent_kernel", *bias],
        "Dense": ["kernel", *bias],
        "BatchNormalization": [
            *(["gamma"] if config.get("scale", True) else []),
            *(["beta"] if config.get("center", True) else []),
            "moving_mean",
            "moving_variance",
        ],
    }.get(kind, [])
    where = group["cell/vars"] if kind == "LSTM" else group.get("vars", {})
    if names and len(where) != len(names):
        raise ModelError(
            f"its layer {brief(config.get('name'), 40)} has {len(where)} arrays, and "
            f"{len(names)} are known: {', '.join(names)}"
        )
    return {name: budget.read(where[str(i)]) for i, name in enumerate(names)}


def _snake(kind: str) -> str:
    """Return ``batch_normalization`` for ``BatchNormalization``, as Keras does."""
    return re.sub(
        r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    ).lower()


def _version(value: Any) -> str:
    version = _text(value)
    if re.fullmatch(r"[123]\.[0-9]+\.[0-9A-Za-z.+-]{1,20}", version) is None:
        raise ModelError(f"it is of Keras {brief(version, 40)}; 1, 2 and 3 can be imported")
    return version


def _json(text: Any) -> Any:
    return json.loads(_text(text))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
