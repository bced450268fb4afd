"""Which networks can be trained, and what each of them does with a window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from converter.models import (
    autoencoder,
    autoregression,
    cnn,
    conv_lstm,
    dts_resnet,
    lstm,
    recurrent,
    spatio_temporal,
    sts_prednets,
    unet,
)
from edgespec.errors import ModelError
from edgespec.records import Geometry
from edgespec.side_input import USUAL, SideInput

__all__ = ["MODELS", "Architecture", "build_model"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """How a network is built, and its role: ``forecast`` or ``reconstruction``.

    ``is_solved`` says that it has an autoregression, which training solves for in closed form;
    ``descends`` that gradients then fit the rest of it. ``sides`` are the inputs behind the window,
    means of hours and days.
    """

    build: Callable[..., Any]
    role: str
    gate: str | None = None
    is_solved: bool = False
    descends: bool = True
    sides: tuple[str, ...] = ()

    @property
    def side_inputs(self) -> tuple[SideInput, ...]:
        """What the inputs behind the window are of: the card of a trained model has them."""
        return tuple(USUAL[name] for name in self.sides)


def _variants(
    name: str,
    with_sides: Callable[..., Callable[..., Any]],
    gate: str | None,
    variants: Mapping[str, tuple[str, ...]],
) -> dict[str, Architecture]:
    """Return a network of several time scales for each choice of them."""
    return {
        name + ending: Architecture(with_sides(*sides), "forecast", gate, sides=sides)
        for ending, sides in variants.items()
    }


#: All time scales, oldest first, and the short one alone, as Peng et al. 2022 call it.
_TIME_SCALES: Mapping[str, tuple[str, ...]] = {"": ("days", "hours"), "-c": ()}

MODELS: Mapping[str, Architecture] = {
    "lstm": Architecture(lstm.build, "forecast", "sigmoid"),
    "autoencoder": Architecture(autoencoder.build, "reconstruction"),
    "linear-ar": Architecture(autoregression.build, "forecast", is_solved=True, descends=False),
    "ar-lstm": Architecture(autoregression.build_with_lstm, "forecast", "sigmoid", is_solved=True),
    "offset-lstm": Architecture(autoregression.build_with_offset, "forecast", "sigmoid"),
    "rnn": Architecture(recurrent.build_rnn, "forecast"),
    "deep-lstm": Architecture(recurrent.build_lstm, "forecast", "sigmoid"),
    "cnn": Architecture(cnn.build, "forecast"),
    "u-net": Architecture(unet.build, "forecast"),
    "conv-lstm": Architecture(conv_lstm.build, "forecast"),
    **_variants("dts-resnet", dts_resnet.with_sides, None, _TIME_SCALES),
    **_variants("sts-prednets", sts_prednets.with_sides, None, _TIME_SCALES),
    **_variants(
        "spatio-temporal",
        spatio_temporal.with_sides,
        "sigmoid",
        {**_TIME_SCALES, "-oh": ("hours",), "-od": ("days",)},
    ),
}


def build_model(name: str, geometry: Geometry, hyper: Mapping[str, Any]) -> Any:
    """Return an untrained Keras model by name.

    Raises:
        ModelError: the name is unknown, or the network does not have such a parameter.
    """
    if name not in MODELS:
        raise ModelError(f"architecture {name!r} is unknown; choose one of {', '.join(MODELS)}")
    try:
        return MODELS[name].build(geometry, **hyper)
    except TypeError as error:
        raise ModelError(
            f"architecture {name!r} does not take the parameters {dict(hyper)} ({error})"
        ) from error
