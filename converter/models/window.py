"""What a network of frames and bins is given, and how its output becomes a forecast."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converter.models.runtime import load_keras
from edgespec.errors import ModelError
from edgespec.records import Geometry
from edgespec.side_input import USUAL

__all__ = ["RESIDUALS", "Window", "open_window"]

#: What a network may forecast the residual of; empty: it forecasts the horizon itself.
RESIDUALS = ("", "mean")


@dataclass(frozen=True, slots=True)
class Window:
    """The inputs of a network, as Keras tensors.

    ``context`` ``(n_context, n_bins)`` and each of ``sides`` ``(n_rows, n_bins)`` are what the
    network sees: where it forecasts the residual of the mean, they are less each bin's mean over
    the context, ``mean`` ``(1, n_bins)``, which is added to the output again.
    """

    keras: Any
    geometry: Geometry
    inputs: tuple[Any, ...]
    context: Any
    sides: tuple[Any, ...]
    mean: Any | None

    @property
    def image(self) -> Any:
        """The context as an image of one channel, ``(n_context, n_bins, 1)``."""
        geometry = self.geometry
        shape = (geometry.n_context, geometry.n_bins, 1)
        return self.keras.layers.Reshape(shape, name="image")(self.context)

    def dense(self, x: Any, name: str = "horizon") -> Any:
        """Return a horizon ``(n_horizon, n_bins)`` as a linear function of all values of ``x``."""
        layers, geometry = self.keras.layers, self.geometry
        x = layers.Dense(geometry.n_horizon * geometry.n_bins, name=name)(x)
        return layers.Reshape((geometry.n_horizon, geometry.n_bins))(x)

    def from_image(self, x: Any, name: str = "horizon") -> Any:
        """Return a horizon from an image ``(n_frames, n_bins, n_channels)``.

        Channels are summed up by weights, and then the frames of each bin, as an autoregression
        does: all bins share both.
        """
        layers = self.keras.layers
        x = layers.Conv2D(1, 1)(x)
        x = layers.Reshape(x.shape[1:3])(x)
        x = layers.Permute((2, 1))(x)
        x = layers.Dense(self.geometry.n_horizon, name=name)(x)
        return layers.Permute((2, 1))(x)

    def model(self, horizon: Any, name: str) -> Any:
        """Return the model of a horizon ``(n_horizon, n_bins)``, which it returns flat.

        Where the network forecasts a residual, layers called ``horizon`` begin at 0, so that
        training begins at the mean.
        """
        layers = self.keras.layers
        if self.mean is not None:
            horizon = layers.Add(name="mean-again")([horizon, self.mean])
        output = layers.Flatten(name="forecast")(horizon)
        inputs = self.inputs[0] if len(self.inputs) == 1 else list(self.inputs)
        model = self.keras.Model(inputs, output, name=name)
        if self.mean is not None:
            for layer in model.layers:
                if layer.name.startswith("horizon"):
                    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
        return model


def open_window(geometry: Geometry, sides: Sequence[str] = (), residual_of: str = "") -> Window:
    """Return the inputs of a network.

    Args:
        geometry: sizes of context and horizon.
        sides: names of the side inputs, of :data:`edgespec.side_input.USUAL`.
        residual_of: one of :data:`RESIDUALS`.

    Raises:
        ModelError: ``residual_of`` is unknown.
    """
    if residual_of not in RESIDUALS:
        raise ModelError(
            f"residual_of is {residual_of!r}; a network forecasts the residual of 'mean', or, with "
            "'', the horizon itself"
        )
    keras = load_keras()
    context = keras.Input((geometry.n_context, geometry.n_bins), name="context")
    given = tuple(keras.Input((USUAL[name].n_rows, geometry.n_bins), name=name) for name in sides)
    inputs = (context, *given)
    if not residual_of:
        return Window(keras, geometry, inputs, context, given, None)
    layers = keras.layers
    mean = layers.GlobalAveragePooling1D(keepdims=True, name="mean")(context)
    seen = [layers.Subtract(name=f"{one.name}-less-mean")([one, mean]) for one in inputs]
    return Window(keras, geometry, inputs, seen[0], tuple(seen[1:]), mean)
