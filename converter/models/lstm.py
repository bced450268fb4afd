"""Stacked LSTM and one dense layer that forecasts the horizon (Li et al. 2019, sec. 4.3)."""

from typing import Any

from converter.models.runtime import load_keras
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["build"]


def build(
    geometry: Geometry, *, n_layers: int = 2, n_units: int = 64, batch_norm: bool = False
) -> Any:
    """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

    Args:
        geometry: sizes of context and horizon.
        n_layers: LSTM layers: 2 for a downlink, 3 for an uplink (S1 sec. 4.3).
        n_units: units of each layer.
        batch_norm: normalise after each LSTM layer, as the published model does.

    Raises:
        ModelError: ``n_layers`` or ``n_units`` is not positive.
    """
    if n_layers < 1 or n_units < 1:
        raise ModelError(f"n_layers is {n_layers} and n_units {n_units}; both must be positive")
    keras = load_keras()
    window = keras.Input((geometry.n_context, geometry.n_bins), name="context")
    x = window
    for layer in range(n_layers):
        x = keras.layers.LSTM(n_units, return_sequences=layer < n_layers - 1)(x)
        if batch_norm:
            x = keras.layers.BatchNormalization()(x)
    forecast = keras.layers.Dense(geometry.n_horizon * geometry.n_bins, name="horizon")(x)
    return keras.Model(window, forecast, name="lstm")
