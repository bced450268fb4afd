"""LSTM whose matrices are convolutions over bins (Shi et al. 2015; Peng et al. 2022, sec. 4.2).

Some frames together are one step, as their channels: eighty steps of one frame each would take as
long as all else together.
"""

from typing import Any

from converter.models.window import Window, open_window
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["build", "check_sizes", "steps"]


def build(
    geometry: Geometry,
    *,
    n_layers: int = 2,
    n_filters: int = 32,
    n_kernel: int = 3,
    step_frames: int = 4,
    residual_of: str = "",
) -> Any:
    """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

    Args:
        geometry: sizes of context and horizon.
        n_layers: recurrent layers.
        n_filters: channels of each.
        n_kernel: bins that a convolution spans.
        step_frames: frames of a step; the context must have whole steps.
        residual_of: see :mod:`converter.models.window`.

    Raises:
        ModelError: a number is not positive, or the context does not have whole steps.
    """
    check_sizes(geometry, n_layers, n_filters, n_kernel, step_frames)
    window = open_window(geometry, residual_of=residual_of)
    layers, x = window.keras.layers, steps(window, window.context, step_frames)
    for layer in range(n_layers):
        # Unrolled, it is a chain of convolutions, which every runtime has.
        x = layers.ConvLSTM1D(
            n_filters,
            n_kernel,
            padding="same",
            return_sequences=layer < n_layers - 1,
            recurrent_activation="sigmoid",
            unroll=True,
        )(x)
    x = layers.Conv1D(geometry.n_horizon, 1, name="horizon")(x)
    return window.model(layers.Permute((2, 1))(x), "conv-lstm")


def check_sizes(
    geometry: Geometry, n_layers: int, n_filters: int, n_kernel: int, step_frames: int
) -> None:
    """Check the sizes of a network of convolutional steps.

    Raises:
        ModelError: a number is not positive, or the context does not have whole steps.
    """
    if min(n_layers, n_filters, n_kernel) < 1:
        raise ModelError(
            f"n_layers is {n_layers}, n_filters {n_filters} and n_kernel {n_kernel}; all must be "
            "positive"
        )
    if step_frames < 1 or geometry.n_context % step_frames:
        raise ModelError(
            f"step_frames is {step_frames}; the {geometry.n_context} frames of the context must be "
            "whole steps of it"
        )


def steps(window: Window, frames: Any, step_frames: int) -> Any:
    """Return ``(n_steps, n_bins, step_frames)`` of frames ``(n_frames, n_bins)``."""
    layers = window.keras.layers
    shape = (frames.shape[1] // step_frames, step_frames, frames.shape[2])
    return layers.Permute((1, 3, 2))(layers.Reshape(shape)(frames))
