"""Imports a Keras 1 or 2 model of stacked LSTM, batch normalisation and dense layers.

The file is read as plain HDF5: a description in JSON and arrays. Nothing in it is executed.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.models.runtime import load_keras
from converter.training.modeldir import ModelCard, save_model
from edgespec.errors import ModelError, QualityError
from edgespec.records import Geometry

__all__ = ["REFERENCE_ATOL", "check_reference", "import_keras", "read_model"]

#: Largest difference from reference outputs, in their own unit.
REFERENCE_ATOL = 1e-3
_INPUT_SCALING = "unknown: the file does not say how its inputs were scaled"


@dataclass(frozen=True, slots=True)
class _Layer:
    kind: str
    config: Mapping[str, Any]
    weights: Mapping[str, NDArray[np.float32]]


def import_keras(
    path: Path,
    folder: Path,
    sample_rate_hz: float,
    n_averages: int = 10,
    reference: Path | None = None,
) -> ModelCard:
    """Write a Keras 1 or 2 HDF5 model as a model folder that ``quantize`` takes.

    The sizes of context, horizon and bins are those of the model; the rates are not in the file.

    Args:
        path: the HDF5 file, with architecture and weights.
        folder: where the model goes.
        sample_rate_hz: rate the model was trained at.
        n_averages: power spectra in a frame it was trained on.
        reference: an ``.npz`` with inputs ``x`` and outputs ``y...`` that the model must return.

    Raises:
        ModelError: the file is not such a model.
        QualityError: the reference outputs are not reproduced to :data:`REFERENCE_ATOL`.
    """
    model, gate, version = read_model(path)
    n_context, n_bins = model.input_shape[1:]
    n_outputs = model.output_shape[-1]
    if n_outputs % n_bins:
        raise ModelError(
            f"model {str(path)!r} returns {n_outputs} values, which are no whole frames of "
            f"{n_bins} bins: only models that forecast frames can be imported"
        )
    training: dict[str, Any] = {
        "imported_from": path.name,
        "imported_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "keras_version": version,
        "input_scaling": _INPUT_SCALING,
        "n_parameters": model.count_params(),
    }
    if reference is not None:
        training["reference_max_error"] = check_reference(model, reference)
    geometry = Geometry(
        sample_rate_hz=sample_rate_hz,
        n_fft=n_bins,
        n_averages=n_averages,
        n_context=n_context,
        n_horizon=n_outputs // n_bins,
        hop_frames=n_outputs // n_bins,
    )
    card = ModelCard(path.stem, "lstm", "forecast", gate, geometry, training)
    save_model(folder, card, model)
    return card


def check_reference(model: Any, path: Path) -> float:
    """Return the largest difference between a model and reference outputs.

    Raises:
        ModelError: the file has no ``x`` and ``y...``.
        QualityError: the difference is above :data:`REFERENCE_ATOL`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            inputs = arrays["x"]
            outputs = arrays[next(name for name in sorted(arrays.files) if name.startswith("y"))]
            error = np.abs(model.predict(inputs, verbose=0) - outputs)
    except (OSError, ValueError, KeyError, StopIteration) as problem:
        raise ModelError(
            f"reference {str(path)!r} cannot be used ({problem}): give an .npz with x and y"
        ) from problem
    worst = float(np.max(error))
    if not worst <= REFERENCE_ATOL:
        raise QualityError(
            f"the imported model differs from {str(path)!r} by {worst:.3g}; at most "
            f"{REFERENCE_ATOL} is accepted: it was made by another version of Keras"
        )
    return worst


def read_model(path: Path) -> tuple[Any, str, str]:
    """Return the Keras 3 model, its gate as the manifest names it, and the version that wrote it.

    Raises:
        ModelError: the file is no Keras 1 or 2 model, or has a layer that cannot be imported.
    """
    layers, version = _read_layers(path)
    keras = load_keras()
    shape = layers[0].config.get("batch_input_shape") if layers else None
    if not isinstance(shape, list) or len(shape) != 3 or not all(shape[1:]):
        raise ModelError(
            f"model {str(path)!r} takes {shape}; only (batch, frames, bins) can be imported"
        )
    for layer in layers:
        if layer.kind not in _BUILDERS:
            raise ModelError(
                f"model {str(path)!r} has the layer {layer.kind}; only {', '.join(_BUILDERS)} can "
                "be imported"
            )
    try:
        model = _build(keras, tuple(shape[1:]), layers)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"model {str(path)!r} has weights or settings that do not fit its layers "
            f"({' '.join(str(error).split())[:200]}): save it again"
        ) from error
    gates = {_gate(layer) for layer in layers if layer.kind == "LSTM"}
    if len(gates) != 1:
        raise ModelError(f"model {str(path)!r} has the LSTM gates {sorted(gates)}; one is accepted")
    return model, gates.pop(), version


def _build(keras: Any, shape: tuple[int, int], layers: list[_Layer]) -> Any:
    x = inputs = keras.Input(shape, name="context")
    built = []
    for layer in layers:
        built.append(_BUILDERS[layer.kind](keras, layer))
        x = built[-1](x)
    for made, layer in zip(built, layers, strict=True):
        made.set_weights([layer.weights[name] for name in _WEIGHTS[layer.kind]])
    return keras.Model(inputs, x, name="imported")


def _read_layers(path: Path) -> tuple[list[_Layer], str]:
    import h5py

    try:
        with h5py.File(path) as file:
            version = _text(file.attrs["keras_version"])
            model = json.loads(_text(file.attrs["model_config"]))
            if model["class_name"] != "Sequential" or not version.startswith(("1.", "2.")):
                raise ValueError(f"{model['class_name']} of Keras {version}")
            config = model["config"]
            items = config["layers"] if isinstance(config, dict) else config
            return [_read_layer(file["model_weights"], item) for item in items], version
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{str(path)!r} is not a Sequential model of Keras 1 or 2 with its weights ({error}): "
            "give the .h5 file that model.save has written"
        ) from error


def _read_layer(weights: Any, item: Mapping[str, Any]) -> _Layer:
    config = item["config"]
    group = weights[config["name"]]
    arrays = {
        _text(name).rpartition("/")[2].partition(":")[0]: np.asarray(group[_text(name)], np.float32)
        for name in group.attrs["weight_names"]
    }
    return _Layer(item["class_name"], config, arrays)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _gate(layer: _Layer) -> str:
    return str(layer.config["recurrent_activation"])


def _lstm(keras: Any, layer: _Layer) -> Any:
    from converter.models.gates import keras2_hard_sigmoid

    gates = {"sigmoid": "sigmoid", "hard_sigmoid": keras2_hard_sigmoid}
    config = layer.config
    if (
        _gate(layer) not in gates
        or config["activation"] != "tanh"
        or config["go_backwards"]
        or config["stateful"]
        or not config["use_bias"]
    ):
        raise ModelError(
            f"layer {config['name']} has the gate {_gate(layer)!r} and the activation "
            f"{config['activation']!r}; only forward, stateless LSTM layers with a bias, tanh and "
            f"one of {', '.join(gates)} can be imported"
        )
    return keras.layers.LSTM(
        config["units"],
        recurrent_activation=gates[_gate(layer)],
        return_sequences=config["return_sequences"],
        name=config["name"],
    )


def _batch_norm(keras: Any, layer: _Layer) -> Any:
    config = layer.config
    if not (config["scale"] and config["center"]):
        raise ModelError(f"layer {config['name']} has no scale or no offset; both are needed")
    return keras.layers.BatchNormalization(epsilon=config["epsilon"], name=config["name"])


def _dense(keras: Any, layer: _Layer) -> Any:
    config = layer.config
    if config["activation"] not in ("linear", "relu", "tanh", "sigmoid") or not config["use_bias"]:
        raise ModelError(
            f"layer {config['name']} has the activation {config['activation']!r}; linear, relu, "
            "tanh and sigmoid, with a bias, can be imported"
        )
    return keras.layers.Dense(config["units"], activation=config["activation"], name=config["name"])


_BUILDERS: Mapping[str, Callable[[Any, _Layer], Any]] = {
    "LSTM": _lstm,
    "BatchNormalization": _batch_norm,
    "Dense": _dense,
}
_WEIGHTS = {
    "LSTM": ("kernel", "recurrent_kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "Dense": ("kernel", "bias"),
}
