"""Which networks can be trained, and what each of them does with a window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from converter.models import autoencoder, autoregression, lstm
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["MODELS", "Architecture", "build_model"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """How a network is built, and its role: ``forecast`` or ``reconstruction``.

    ``is_solved`` says that it has an autoregression, which training solves for in closed form;
    ``descends`` that gradients then fit the rest of it.
    """

    build: Callable[..., Any]
    role: str
    gate: str | None = None
    is_solved: bool = False
    descends: bool = True


MODELS: Mapping[str, Architecture] = {
    "lstm": Architecture(lstm.build, "forecast", "sigmoid"),
    "autoencoder": Architecture(autoencoder.build, "reconstruction"),
    "linear-ar": Architecture(autoregression.build, "forecast", is_solved=True, descends=False),
    "ar-lstm": Architecture(autoregression.build_with_lstm, "forecast", "sigmoid", is_solved=True),
    "offset-lstm": Architecture(autoregression.build_with_offset, "forecast", "sigmoid"),
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
