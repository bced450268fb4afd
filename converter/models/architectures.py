"""Which networks can be trained, and what each of them does with a window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from converter.models import autoencoder, lstm
from edgespec.errors import ModelError
from edgespec.records import Geometry

__all__ = ["MODELS", "Architecture", "build_model"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """How a network is built, and its role: ``forecast`` or ``reconstruction``."""

    build: Callable[..., Any]
    role: str
    gate: str | None = None


MODELS: Mapping[str, Architecture] = {
    "lstm": Architecture(lstm.build, "forecast", "sigmoid"),
    "autoencoder": Architecture(autoencoder.build, "reconstruction"),
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
