"""The weights of a Keras model for our own kernels."""

from typing import Any

import numpy as np

from converter.bundles.stack import Affine, as_network
from converter.models.runtime import load_keras
from edgespec.errors import ModelError
from edgespec.inference.network import ACTIVATIONS, Dense, Lstm, Network

__all__ = ["network_of_keras"]


def network_of_keras(model: Any) -> Network:
    """Return the network of a Keras model: LSTM, batch normalisation and dense layers in a row.

    Raises:
        ModelError: it has a layer of another kind, or with settings that the kernels do not have.
    """
    layers = [_layer(layer) for layer in model.layers if not _is_plumbing(layer)]
    return as_network(layers)


def _is_plumbing(layer: Any) -> bool:
    """Return whether a layer hands on what it gets, order and values."""
    layers = load_keras().layers
    return isinstance(layer, (layers.InputLayer, layers.Flatten, layers.Reshape, layers.Dropout))


def _layer(layer: Any) -> Lstm | Dense | Affine:
    keras = load_keras()
    weights = [np.asarray(weight, np.float32) for weight in layer.get_weights()]
    if isinstance(layer, keras.layers.BatchNormalization) and layer.scale and layer.center:
        gamma, beta, mean, variance = (weight.astype(np.float64) for weight in weights)
        scale = gamma / np.sqrt(variance + layer.epsilon)
        return Affine(scale, beta - scale * mean)
    if isinstance(layer, keras.layers.LSTM) and _is_plain(layer):
        return Lstm(_gate(layer), *weights)
    if isinstance(layer, keras.layers.Dense) and layer.use_bias:
        activation = layer.activation.__name__
        if activation in ACTIVATIONS:
            return Dense(activation, *weights)
    raise ModelError(
        f"layer {layer.name!r} ({type(layer).__name__}) has settings that our kernels do not "
        "have; they take forward LSTM layers with tanh, batch normalisation, and dense layers "
        f"with {', '.join(ACTIVATIONS)}"
    )


def _is_plain(layer: Any) -> bool:
    keras = load_keras()
    return (
        layer.activation is keras.activations.tanh
        and layer.use_bias
        and not (layer.go_backwards or layer.stateful or layer.return_state)
    )


def _gate(layer: Any) -> str:
    from converter.models.gates import keras2_hard_sigmoid

    gates = {
        load_keras().activations.sigmoid: "sigmoid",
        keras2_hard_sigmoid: "hard_sigmoid",
    }
    return gates.get(layer.recurrent_activation, str(layer.recurrent_activation))
