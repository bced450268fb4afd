"""Plain convolutions over frames and bins: five layers of 256 channels (Peng et al. 2022, 4.2)."""

from typing import Any

from converter.models.window import open_window
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["build"]


def build(
    geometry: Geometry,
    *,
    n_layers: int = 5,
    n_filters: int = 256,
    n_kernel: int = 3,
    residual_of: str = "",
) -> Any:
    """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

    Args:
        geometry: sizes of context and horizon.
        n_layers: convolutions.
        n_filters: channels of each; with 256 a segment of 80 by 80 takes 30 GFLOP.
        n_kernel: frames and bins that a convolution spans; the paper gives none.
        residual_of: see :mod:`converter.models.window`.

    Raises:
        ModelError: a number is not positive.
    """
    if min(n_layers, n_filters, n_kernel) < 1:
        raise ModelError(
            f"n_layers is {n_layers}, n_filters {n_filters} and n_kernel {n_kernel}; all must be "
            "positive"
        )
    window = open_window(geometry, residual_of=residual_of)
    layers, x = window.keras.layers, window.image
    for _ in range(n_layers):
        x = layers.Conv2D(n_filters, n_kernel, padding="same", activation="relu")(x)
    return window.model(window.from_image(x), "cnn")
