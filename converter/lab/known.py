"""Checks that records of several tables share: names that exist, parameters that a network has."""

import inspect
from collections.abc import Collection, Iterable

from converter.lab.experiment import ModelSpec
from converter.models.architectures import MODELS
from edgespec.errors import ConfigError
from edgespec.nearest import advice

__all__ = ["check_hyper", "check_known"]


def check_known(path: str, names: Iterable[str], known: Collection[str], what: str) -> None:
    """Check that names are known ones.

    Raises:
        ConfigError: one is not; the message names those that are near to it.
    """
    for name in names:
        if name in known:
            continue
        raise ConfigError(f"{path} names {name!r}, which is no known {what}; {advice(name, known)}")


def check_hyper(path: str, model: ModelSpec) -> None:
    """Check that a network takes the parameters that it is given.

    Raises:
        ConfigError: it has none of such a name.
    """
    build = MODELS[model.architecture].build
    known = [name for name in inspect.signature(build).parameters if name != "geometry"]
    check_known(f"{path}.hyper", model.hyper, known, "parameter of the network")
