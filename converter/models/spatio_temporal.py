"""The sum of two depth modules and one of several time scales (Peng et al. 2022, sec. 3.3).

The depth modules are small U-Nets over the context, one with kernels of 2 by 2 and one with 7 by 7,
3 by 3 and 7 by 7 again. The third branch joins context, hours and days in time, and has three
convolutions and an LSTM. Hours and days stand behind the context: an untrained LSTM keeps some 73%
of what it knows from step to step, so that of rows before 80 sweeps nothing reaches its end, nor a
gradient them. Eq. 7 weighs the branches and sums them up: here each ends in a linear
layer of its own. The paper gives neither channels nor units.
"""

from collections.abc import Callable
from typing import Any

from converter.models.unet import levels
from converter.models.window import Window, open_window
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["build", "with_sides"]

#: Kernels of the two depth modules, level by level.
_NEAR, _FAR = (2, 2), (7, 3)
_N_CONVOLUTIONS, _N_FRAMES = 3, 3


def with_sides(*sides: str) -> Callable[..., Any]:
    """Return :func:`build` for the side inputs of a variant, oldest first."""

    def build_variant(
        geometry: Geometry, *, n_filters: int = 16, n_units: int = 128, residual_of: str = ""
    ) -> Any:
        return build(geometry, sides, n_filters=n_filters, n_units=n_units, residual_of=residual_of)

    return build_variant


def build(
    geometry: Geometry,
    sides: tuple[str, ...] = (),
    *,
    n_filters: int = 16,
    n_units: int = 128,
    residual_of: str = "",
) -> Any:
    """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

    Args:
        geometry: sizes of context and horizon.
        sides: ``days``, ``hours``, both or none, which is the variant -C.
        n_filters: channels of the first level of a depth module.
        n_units: of the LSTM, and channels of the convolutions before it.
        residual_of: see :mod:`converter.models.window`.

    Raises:
        ModelError: a number is not positive.
    """
    if min(n_filters, n_units) < 1:
        raise ModelError(f"n_filters is {n_filters} and n_units {n_units}; both must be positive")
    window = open_window(geometry, sides, residual_of)
    image = window.image
    branches = [
        window.from_image(levels(window, image, kernels, n_filters), f"horizon-{name}")
        for name, kernels in (("near", _NEAR), ("far", _FAR))
    ]
    branches.append(window.dense(_time_scales(window, n_units), "horizon-scales"))
    total = window.keras.layers.Add(name="branches")(branches)
    return window.model(total, "spatio-temporal")


def _time_scales(window: Window, n_units: int) -> Any:
    layers, x = window.keras.layers, window.context
    if window.sides:
        x = layers.Concatenate(axis=1, name="time-scales")([x, *reversed(window.sides)])
    for _ in range(_N_CONVOLUTIONS):
        x = layers.Conv1D(n_units, _N_FRAMES, padding="same", activation="relu")(x)
    return layers.LSTM(n_units)(x)
