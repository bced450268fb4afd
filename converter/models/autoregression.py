"""Linear autoregression that all bins share, alone or with an LSTM for what it leaves.

``forecast(h, b) = sum over t of W(t, h) context(t, b) + w(h)``, every step of the horizon from the
context itself (direct multi-step), in standardised units. DLinear (Zeng et al. 2023) is of the same
kind.
"""

from typing import Any

import numpy as np

from converter.models import lstm
from converter.models.runtime import load_keras
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["LAYER", "build", "build_with_lstm", "build_with_offset"]

#: Name of the dense layer that holds ``W`` and ``w``; training solves for it in closed form.
LAYER = "autoregression"


def build(geometry: Geometry, *, order: int | None = None) -> Any:
    """Return a Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``, all weights 0.

    Args:
        geometry: sizes of context and horizon.
        order: the last frames of the context that count; None: all of them.

    Raises:
        ModelError: the context does not have so many frames.
    """
    keras = load_keras()
    window = keras.Input((geometry.n_context, geometry.n_bins), name="context")
    return keras.Model(window, _forecast(keras, window, geometry, order), name="linear-ar")


def build_with_lstm(
    geometry: Geometry,
    *,
    order: int | None = None,
    n_layers: int = 2,
    n_units: int = 64,
    batch_norm: bool = False,
) -> Any:
    """Return the sum of an autoregression and an LSTM of the same window, with the same shapes.

    The last layer of the LSTM begins at 0. With the autoregression solved for and frozen, training
    begins at its forecast, and the LSTM learns its residual.

    Args:
        geometry: sizes of context and horizon.
        order: of the autoregression, as :func:`build` has it.
        n_layers: of the LSTM, as are the next, see :func:`converter.models.lstm.build`.
        n_units: units of each layer.
        batch_norm: normalise after each LSTM layer.

    Raises:
        ModelError: the context does not have so many frames, or such an LSTM is not possible.
    """
    keras = load_keras()
    network = lstm.build(geometry, n_layers=n_layers, n_units=n_units, batch_norm=batch_norm)
    (window,) = network.inputs
    last = network.layers[-1]
    last.set_weights([np.zeros_like(weight) for weight in last.get_weights()])
    linear = _forecast(keras, window, geometry, order)
    forecast = keras.layers.Add(name="sum")([network.outputs[0], linear])
    return keras.Model(window, forecast, name="ar-lstm")


def build_with_offset(
    geometry: Geometry, *, n_layers: int = 2, n_units: int = 64, batch_norm: bool = False
) -> Any:
    """Return the sum of each bin's mean over the context and an LSTM of the same window.

    The mean carries the shape of the site, which the LSTM would have to send through its units. It
    is an autoregression of equal weights that training leaves alone, so every backend runs it.

    Args:
        geometry: sizes of context and horizon.
        n_layers: of the LSTM, as are the next, see :func:`converter.models.lstm.build`.
        n_units: units of each layer.
        batch_norm: normalise after each LSTM layer.

    Raises:
        ModelError: such an LSTM is not possible.
    """
    model = build_with_lstm(geometry, n_layers=n_layers, n_units=n_units, batch_norm=batch_norm)
    layer = model.get_layer(LAYER)
    weights, bias = layer.get_weights()
    layer.set_weights([np.full_like(weights, 1.0 / len(weights)), bias])
    layer.trainable = False
    return model


def _forecast(keras: Any, window: Any, geometry: Geometry, order: int | None) -> Any:
    order = geometry.n_context if order is None else order
    if not 1 <= order <= geometry.n_context:
        raise ModelError(
            f"order is {order}; it must lie between 1 and the {geometry.n_context} frames of the "
            "context"
        )
    layers = keras.layers
    x = window
    if order < geometry.n_context:
        x = layers.Cropping1D((geometry.n_context - order, 0), name="last-frames")(x)
    x = layers.Permute((2, 1), name="bin-by-bin")(x)
    x = layers.Dense(geometry.n_horizon, kernel_initializer="zeros", name=LAYER)(x)
    x = layers.Permute((2, 1), name="frame-by-frame")(x)
    return layers.Flatten(name="linear-forecast")(x)
