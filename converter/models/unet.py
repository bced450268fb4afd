"""U-Net: convolutions that see more and more of the window, and ways around them.

Ronneberger et al. 2015, on frames and bins in place of pixels. Each level halves both; sizes that
are odd are rounded up, and cut again on the way back.
"""

from collections.abc import Sequence
from typing import Any

from converter.models.window import Window, open_window
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["build", "levels"]


def build(
    geometry: Geometry, *, n_filters: int = 32, n_levels: int = 3, residual_of: str = ""
) -> Any:
    """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

    Args:
        geometry: sizes of context and horizon.
        n_filters: channels of the first level; each next one has twice as many.
        n_levels: the last of them is the bottom.
        residual_of: see :mod:`converter.models.window`.

    Raises:
        ModelError: a number is not positive, or the window cannot be halved so often.
    """
    if n_filters < 1:
        raise ModelError(f"n_filters is {n_filters}; it must be positive")
    window = open_window(geometry, residual_of=residual_of)
    kernels = [3] * n_levels
    x = levels(window, window.image, kernels, n_filters, n_convolutions=2)
    return window.model(window.from_image(x), "u-net")


def levels(
    window: Window, image: Any, kernels: Sequence[int], n_filters: int, n_convolutions: int = 1
) -> Any:
    """Return ``(n_frames, n_bins, n_filters)``: down level by level, and up again.

    Args:
        window: whose Keras computes.
        image: ``(n_frames, n_bins, n_channels)``.
        kernels: frames and bins that the convolutions of each level span.
        n_filters: channels of the first level; each next one has twice as many.
        n_convolutions: at each level, on either side.

    Raises:
        ModelError: there is no level, or more than the image can be halved.
    """
    least = min(image.shape[1:3])
    if not kernels or 2 ** (len(kernels) - 1) > least:
        raise ModelError(
            f"n_levels is {len(kernels)}; a window of {image.shape[1]} frames and "
            f"{image.shape[2]} bins has from 1 to {int(least).bit_length()} levels"
        )
    layers, x, left = window.keras.layers, image, []

    def convolved(x: Any, level: int) -> Any:
        for _ in range(n_convolutions):
            x = layers.Conv2D(
                n_filters << level, kernels[level], padding="same", activation="relu"
            )(x)
        return x

    for level in range(len(kernels)):
        x = convolved(x, level)
        if level < len(kernels) - 1:
            left.append(x)
            x = layers.MaxPooling2D(2, padding="same")(x)
    for level in reversed(range(len(kernels) - 1)):
        other = left[level]
        x = layers.Conv2DTranspose(n_filters << level, 2, strides=2, activation="relu")(x)
        over = [(0, x.shape[axis] - other.shape[axis]) for axis in (1, 2)]
        if any(after for _, after in over):
            x = layers.Cropping2D(over)(x)
        x = convolved(layers.Concatenate()([other, x]), level)
    return x
