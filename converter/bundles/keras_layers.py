"""Stored layers as layers of the Keras that is installed, or a sentence why not.

What does nothing after training (dropout, noise) is left out. What cannot be imported with the
result that it had is refused: a wrong forecast looks like any other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.bundles.keras_file import StoredLayer
from edgespec.door import brief
from edgespec.errors import ModelError

__all__ = ["build_layers", "gate_of", "input_shape"]

_ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")
#: They change what is learnt, not what was.
_ONLY_IN_TRAINING = (
    *("Dropout", "SpatialDropout1D", "GaussianDropout", "AlphaDropout", "GaussianNoise"),
    "ActivityRegularization",
)
#: Settings with which a layer is another one, and the values that they may have.
_LSTM = {
    "activation": "tanh",
    "go_backwards": False,
    "stateful": False,
    "return_state": False,
    "time_major": False,
    "zero_output_for_mask": False,
}


def input_shape(layers: Sequence[StoredLayer]) -> tuple[int, int]:
    """Return frames and bins that the model takes.

    Raises:
        ModelError: it takes anything else.
    """
    config = layers[0].config if layers else {}
    keys = ("batch_input_shape", "batch_shape")
    shape = next((config[key] for key in keys if config.get(key)), None)
    if (
        not isinstance(shape, list)
        or len(shape) != 3
        or not all(isinstance(n, int) and 0 < n <= 100_000 for n in shape[1:])
    ):
        raise ModelError(f"it takes {brief(shape, 60)}; only (batch, frames, bins) can be imported")
    return shape[1], shape[2]


def gate_of(layer: StoredLayer, keras_major: int) -> str:
    """Return the gate of an LSTM as a manifest names it.

    Raises:
        ModelError: there is no such gate.
    """
    gate = str(_function(layer.config.get("recurrent_activation")))
    if gate == "hard_sigmoid" and keras_major > 2:
        raise ModelError(
            f"layer {layer.name} has the hard sigmoid of Keras 3, clip(x / 6 + 1/2, 0, 1); only "
            "that of Keras 1 and 2, clip(x / 5 + 1/2, 0, 1), and sigmoid can be imported"
        )
    if gate not in ("sigmoid", "hard_sigmoid"):
        raise ModelError(
            f"layer {layer.name} has the gate {brief(repr(gate), 40)}; sigmoid and hard_sigmoid "
            "can be imported"
        )
    return gate


def build_layers(keras: Any, layers: Sequence[StoredLayer], keras_major: int) -> Any:
    """Return the Keras model of the layers, with their weights.

    Raises:
        ModelError: one of them cannot be imported.
    """
    n_bins = input_shape(layers)[1]
    kept = [layer for layer in layers if layer.kind not in (*_ONLY_IN_TRAINING, "InputLayer")]
    for layer in kept:
        if layer.kind not in _BUILDERS:
            raise ModelError(
                f"it has the layer {brief(layer.kind, 40)}; only {', '.join(_BUILDERS)} and what "
                "works in training only can be imported"
            )
    while kept and kept[-1].kind == "Reshape" and _only_names_frames(kept[-1], n_bins):
        kept.pop()
    kept = _with_activations(kept)
    x = inputs = keras.Input(input_shape(layers), name="context")
    for layer, follower in zip(kept, [*kept[1:], None], strict=True):
        made, weights = _BUILDERS[layer.kind](keras, layer, tuple(x.shape[1:]), keras_major)
        if layer.kind == "LSTM" and follower is not None and follower.kind == "LSTM":
            _check_sequence(layer)
        x = made(x)
        made.set_weights(weights)
    if len(x.shape) != 2:
        raise ModelError(
            f"it returns {tuple(x.shape[1:])} values, one for each frame of its context; only "
            "models that forecast the next frames can be imported"
        )
    return keras.Model(inputs, x, name="imported")


def _with_activations(layers: Sequence[StoredLayer]) -> list[StoredLayer]:
    """Return the layers with activations where our kernels have them: in the dense layer before."""
    out: list[StoredLayer] = []
    for layer in layers:
        last = out[-1] if out else None
        if layer.kind != "Activation":
            out.append(layer)
        elif _activation_of(layer) != "linear":
            if last is not None and last.kind == "Dense" and _activation_of(last) == "linear":
                config = {**last.config, "activation": _activation_of(layer)}
                out[-1] = replace(last, config=config)
            else:
                out.append(layer)
    return out


_Built = tuple[Any, list[NDArray[np.float32]]]


def _check_sequence(layer: StoredLayer) -> None:
    if not layer.config.get("return_sequences"):
        raise ModelError(
            f"layer {layer.name} returns its last output only, and another LSTM follows: it cannot "
            "have been trained like this"
        )


def _lstm(keras: Any, layer: StoredLayer, shape: tuple[int, ...], keras_major: int) -> _Built:
    from converter.models.gates import keras2_hard_sigmoid

    gate = gate_of(layer, keras_major)
    for key, wanted in _LSTM.items():
        found = layer.config.get(key, wanted)
        found = _function(found) if key == "activation" else found
        if found != wanted:
            raise ModelError(
                f"layer {layer.name} has the setting {key} = {brief(repr(found), 40)}; only "
                "forward, stateless LSTM layers with tanh can be imported"
            )
    units = _units(layer)
    arrays = _arrays(
        layer,
        {
            "kernel": (shape[-1], 4 * units),
            "recurrent_kernel": (units, 4 * units),
            "bias": (4 * units,),
        },
        {} if layer.config.get("use_bias", True) else {"bias": 0.0},
    )
    made = keras.layers.LSTM(
        units,
        recurrent_activation=keras2_hard_sigmoid if gate == "hard_sigmoid" else gate,
        return_sequences=bool(layer.config.get("return_sequences", False)),
        name=layer.name,
    )
    return made, arrays


def _batch_norm(keras: Any, layer: StoredLayer, shape: tuple[int, ...], keras_major: int) -> _Built:
    config = layer.config
    axis = config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if axis not in (-1, len(shape)) or isinstance(axis, bool):
        raise ModelError(
            f"layer {layer.name} normalises along the axis {brief(axis, 40)} of "
            f"(batch, {', '.join(map(str, shape))}); only the last one can be imported"
        )
    if config.get("mode", 0) != 0 or config.get("renorm"):
        raise ModelError(
            f"layer {layer.name} normalises by each batch (mode or renorm); only by what was "
            "learnt can be imported"
        )
    epsilon = config.get("epsilon", 1e-3)
    if not isinstance(epsilon, float) or not 0 <= epsilon < 1e3:
        raise ModelError(f"layer {layer.name} has the epsilon {brief(repr(epsilon), 40)}")
    fill = {} if config.get("scale", True) else {"gamma": 1.0}
    fill |= {} if config.get("center", True) else {"beta": 0.0}
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    arrays = _arrays(layer, dict.fromkeys(names, (shape[-1],)), fill)
    if arrays[3].min() < 0:
        raise ModelError(f"layer {layer.name} has a negative variance: train it again")
    return keras.layers.BatchNormalization(epsilon=epsilon, name=layer.name), arrays


def _dense(keras: Any, layer: StoredLayer, shape: tuple[int, ...], keras_major: int) -> _Built:
    units = _units(layer)
    arrays = _arrays(
        layer,
        {"kernel": (shape[-1], units), "bias": (units,)},
        {} if layer.config.get("use_bias", True) else {"bias": 0.0},
    )
    return keras.layers.Dense(units, activation=_activation_of(layer), name=layer.name), arrays


def _activation(keras: Any, layer: StoredLayer, shape: tuple[int, ...], keras_major: int) -> _Built:
    return keras.layers.Activation(_activation_of(layer), name=layer.name), []


def _reshape(keras: Any, layer: StoredLayer, shape: tuple[int, ...], keras_major: int) -> _Built:
    return keras.layers.Reshape(_target(layer), name=layer.name), []


def _flatten(keras: Any, layer: StoredLayer, shape: tuple[int, ...], keras_major: int) -> _Built:
    if layer.config.get("data_format", "channels_last") != "channels_last":
        raise ModelError(f"layer {layer.name} flattens channels first; only last can be imported")
    return keras.layers.Flatten(name=layer.name), []


_BUILDERS: Mapping[str, Callable[[Any, StoredLayer, tuple[int, ...], int], _Built]] = {
    "LSTM": _lstm,
    "BatchNormalization": _batch_norm,
    "Dense": _dense,
    "Activation": _activation,
    "Reshape": _reshape,
    "Flatten": _flatten,
}


def _arrays(
    layer: StoredLayer, shapes: Mapping[str, tuple[int, ...]], fill: Mapping[str, float]
) -> list[NDArray[np.float32]]:
    """Return the arrays of a layer in the order of ``shapes``; those it does without are filled."""
    out = []
    for name, shape in shapes.items():
        if name in fill and name not in layer.arrays:
            out.append(np.full(shape, fill[name], np.float32))
            continue
        array = layer.arrays.get(name)
        if array is None or array.shape != shape:
            found = "none" if array is None else str(array.shape)
            raise ModelError(
                f"layer {layer.name} has weights that do not fit: {name} of {shape} is expected, "
                f"{found} is there"
            )
        out.append(array)
    more = set(layer.arrays) - set(shapes)
    if more:
        raise ModelError(f"layer {layer.name} has arrays that are not known: {brief(sorted(more))}")
    return out


def _units(layer: StoredLayer) -> int:
    units = layer.config.get("units")
    if not isinstance(units, int) or not 0 < units <= 1 << 20:
        raise ModelError(f"layer {layer.name} has {brief(repr(units), 40)} units")
    return units


def _function(value: Any) -> Any:
    """Return the name of a function; Keras 3 may write an object around it."""
    return value.get("config") if isinstance(value, dict) else value


def _activation_of(layer: StoredLayer) -> str:
    name = _function(layer.config.get("activation", "linear"))
    if name not in _ACTIVATIONS:
        raise ModelError(
            f"layer {layer.name} has the activation {brief(repr(name), 40)}; "
            f"{', '.join(_ACTIVATIONS)} can be imported"
        )
    return str(name)


def _target(layer: StoredLayer) -> tuple[int, ...]:
    shape = layer.config.get("target_shape")
    if (
        not isinstance(shape, list)
        or not 0 < len(shape) < 5
        or not all(isinstance(n, int) and -1 <= n <= 1 << 24 for n in shape)
    ):
        raise ModelError(f"layer {layer.name} has the target shape {brief(shape, 60)}")
    return tuple(shape)


def _only_names_frames(layer: StoredLayer, n_bins: int) -> bool:
    """Return whether a last Reshape only says which values belong to which frame."""
    sizes = [n for n in _target(layer) if n != 1]
    return len(sizes) < 2 or (len(sizes) == 2 and sizes[1] == n_bins)
