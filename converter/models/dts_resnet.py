"""Temporal-spectral residual network (Yu et al. 2018), one branch for each time scale.

Each branch has the frames of its time scale as channels over the bins, a convolution, residual
units and a convolution that gives the horizon. The original fuses branches by a weight for each
value; here a convolution over one bin does.
"""

from collections.abc import Callable
from typing import Any

from converter.models.window import Window, open_window
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["with_sides"]


def with_sides(*sides: str) -> Callable[..., Any]:
    """Return what builds the network with these side inputs; none is the variant -C."""

    def build(
        geometry: Geometry,
        *,
        n_filters: int = 64,
        n_units: int = 4,
        n_kernel: int = 3,
        residual_of: str = "",
    ) -> Any:
        """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

        ``n_units`` residual units of ``n_filters`` channels, each over ``n_kernel`` bins.
        """
        if min(n_filters, n_units, n_kernel) < 1:
            raise ModelError(
                f"n_filters is {n_filters}, n_units {n_units} and n_kernel {n_kernel}; all must be "
                "positive"
            )
        window = open_window(geometry, sides, residual_of)
        layers = window.keras.layers
        branches = [
            _branch(window, frames, n_filters, n_units, n_kernel)
            for frames in (window.context, *window.sides)
        ]
        x = branches[0] if len(branches) == 1 else layers.Concatenate()(branches)
        x = layers.Conv1D(geometry.n_horizon, 1, name="horizon")(x)
        return window.model(layers.Permute((2, 1))(x), "dts-resnet")

    return build


def _branch(window: Window, frames: Any, n_filters: int, n_units: int, n_kernel: int) -> Any:
    layers = window.keras.layers

    def convolved(x: Any) -> Any:
        return layers.Conv1D(n_filters, n_kernel, padding="same")(x)

    x = convolved(layers.Permute((2, 1))(frames))
    for _ in range(n_units):
        rest = convolved(layers.ReLU()(x))
        x = layers.Add()([x, convolved(layers.ReLU()(rest))])
    return layers.ReLU()(x)
