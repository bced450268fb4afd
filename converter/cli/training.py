"""How to train, as options that ``train`` and ``transfer`` share: the fields of one record."""

import json
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from typing import Any

import click

from converter.training.settings import TrainSettings
from edgespec.decode.kind import kinds_of
from edgespec.option import option_of

__all__ = ["hyper_of", "training_options"]

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


def hyper_of(texts: Sequence[str]) -> dict[str, Any]:
    """Return parameters of a network from ``NAME=VALUE``: numbers, true, false, or texts."""
    found: dict[str, Any] = {}
    for text in texts:
        name, is_given, value = text.partition("=")
        if not is_given or not name.isidentifier():
            raise click.UsageError(f"--set is {text!r}; write NAME=VALUE, such as n_filters=8")
        try:
            found[name] = json.loads(value, parse_constant=str)
        except ValueError:
            found[name] = value
    return found
