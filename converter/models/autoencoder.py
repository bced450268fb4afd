"""Dense autoencoder that reconstructs the target (Li et al. 2019, sec. 4.3)."""

from typing import Any

from converter.models.runtime import load_keras
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["WIDTHS", "build"]

#: Hidden widths by number of dense layers, the output layer included: 4 for a downlink, 6 for
#: an uplink (S1 sec. 4.3). The paper gives no widths.
WIDTHS = {4: (256, 64, 256), 6: (256, 128, 64, 128, 256)}


def build(geometry: Geometry, *, n_layers: int = 4) -> Any:
    """Return an untrained Keras model: ``(n_horizon, n_bins)`` -> ``(n_horizon * n_bins,)``.

    Raises:
        ModelError: there are no widths for ``n_layers``.
    """
    if n_layers not in WIDTHS:
        raise ModelError(f"n_layers is {n_layers}; the autoencoder has one of {sorted(WIDTHS)}")
    keras = load_keras()
    window = keras.Input((geometry.n_horizon, geometry.n_bins), name="target")
    x = keras.layers.Flatten()(window)
    for width in WIDTHS[n_layers]:
        x = keras.layers.Dense(width, activation="relu")(x)
    output = keras.layers.Dense(geometry.n_horizon * geometry.n_bins, name="reconstruction")(x)
    return keras.Model(window, output, name="autoencoder")
