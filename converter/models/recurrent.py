"""Deep recurrent networks as Peng et al. 2022, sec. 4.2, compare: three cores, three dense layers.

The LSTM of Li et al. 2019, which has fewer layers and one dense one, is in
:mod:`converter.models.lstm`.
"""

from typing import Any

from converter.models.window import open_window
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["build_lstm", "build_rnn"]


def build_lstm(
    geometry: Geometry,
    *,
    n_layers: int = 3,
    n_dense: int = 3,
    n_units: int = 256,
    residual_of: str = "",
) -> Any:
    """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

    Args:
        geometry: sizes of context and horizon.
        n_layers: LSTM layers.
        n_dense: dense layers behind them, the output included.
        n_units: units of each layer.
        residual_of: see :mod:`converter.models.window`.

    Raises:
        ModelError: a number is not positive.
    """
    return _build("LSTM", "deep-lstm", geometry, n_layers, n_dense, n_units, residual_of)


def build_rnn(
    geometry: Geometry,
    *,
    n_layers: int = 3,
    n_dense: int = 3,
    n_units: int = 256,
    residual_of: str = "",
) -> Any:
    """Return the same with simple recurrent layers, ``h(t) = tanh(W x(t) + U h(t - 1) + b)``."""
    return _build("SimpleRNN", "rnn", geometry, n_layers, n_dense, n_units, residual_of)


def _build(
    kind: str,
    name: str,
    geometry: Geometry,
    n_layers: int,
    n_dense: int,
    n_units: int,
    residual_of: str,
) -> Any:
    if min(n_layers, n_dense, n_units) < 1:
        raise ModelError(
            f"n_layers is {n_layers}, n_dense {n_dense} and n_units {n_units}; all must be positive"
        )
    window = open_window(geometry, residual_of=residual_of)
    layers, x = window.keras.layers, window.context
    for layer in range(n_layers):
        x = getattr(layers, kind)(n_units, return_sequences=layer < n_layers - 1)(x)
    for _ in range(n_dense - 1):
        x = layers.Dense(n_units, activation="relu")(x)
    return window.model(window.dense(x), name)
