"""The configuration as a commented TOML file to start from."""

import json
import re
import textwrap
from dataclasses import MISSING, Field, fields
from typing import Any

from edgespec.config.whole import Config
from edgespec.decode.kind import kinds_of
from edgespec.option import option_of

__all__ = ["template"]

_HEAD = """\
# Configuration of edgespec. Paths are relative to this file. Every line that is not commented out
# states the default, or what was asked for; delete what you do not change.
"""


def template(config: Config | None = None) -> str:
    """Return TOML that loads to ``config`` and says of every option what it accepts.

    Args:
        config: with one source and one band; None for the default.
    """
    blocks = [_HEAD]
    config = Config() if config is None else config
    for field, kind in zip(fields(Config), kinds_of(Config).values(), strict=True):
        head = f"[[{field.name}]]" if kind.is_list else f"[{field.name}]"
        told = getattr(config, field.name)
        table = kind.table or kind.base
        record = (told[0] if told else table()) if kind.is_list else told
        options = "\n".join(
            _option_lines(option, getattr(record, option.name)) for option in fields(table)
        )
        if told == ():
            # There is none by default: all of it is an example.
            head, options = f"#{head}", re.sub(r"^(?=[a-z])", "#", options, flags=re.MULTILINE)
        blocks.append(f"{_comment(f'{option_of(field).text}.')}\n{head}\n{options}")
    return "\n".join(blocks)


def _option_lines(field: "Field[Any]", value: Any) -> str:
    """Return comment and ``key = value`` of one option, commented out where there is none."""
    option = option_of(field)
    accepted = option.accepted or option.unit
    comment = _comment(f"{option.text} ({accepted})." if accepted else f"{option.text}.")
    if field.default_factory is not MISSING and value == field.default_factory():
        value = None
    if value in (None, ()):
        example = "..." if option.example is None else option.example
        return f"{comment}\n#{field.name} = {_toml(example)}\n"
    return f"{comment}\n{field.name} = {_toml(value)}\n"


def _comment(text: str) -> str:
    return textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="# ")


def _toml(value: Any) -> str:
    """Return a default or an example as TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(value, default=str)
