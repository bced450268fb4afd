"""How to train, as options that ``train`` and ``transfer`` share: the fields of one record."""

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click

from converter.training.settings import TrainSettings
from edgespec.decode.kind import kinds_of
from edgespec.option import option_of

__all__ = ["training_options"]

#: Options whose names are shorter than those of the fields.
_NAMES = {"hop_frames": "--hop", "n_windows": "--windows"}
#: What a transfer takes from its teacher; ``train`` words these itself.
_OF_THE_NETWORK = ("architecture", "hyper", "transform")


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command takes them as keywords of :class:`TrainSettings`."""
    for field in reversed(fields(TrainSettings)):
        if field.name not in _OF_THE_NETWORK:
            command = _option(field)(command)
    return command


def _option(field: "Field[Any]") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    by_data = "" if field.default is not None else "; default: by data"
    return click.option(
        _NAMES.get(field.name, "--" + field.name.replace("_", "-")),
        field.name,
        type=kinds_of(TrainSettings)[field.name].base,
        default=field.default,
        show_default=field.default is not None,
        help=f"{option_of(field).text}{by_data}.",
    )
