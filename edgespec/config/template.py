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
# Configuration of edgespec. Every line that is not commented out states the default; delete what
# you do not change. Paths are relative to this file.
"""


def template() -> str:
    """Return TOML that loads to ``Config()`` and says of every option what it accepts."""
    blocks = [_HEAD]
    for field, kind in zip(fields(Config), kinds_of(Config).values(), strict=True):
        head = f"[[{field.name}]]" if kind.is_list else f"[{field.name}]"
        options = "\n".join(_option_lines(option) for option in fields(kind.table or kind.base))
        if field.default == ():
            # There is none by default: all of it is an example.
            head, options = f"#{head}", re.sub(r"^(?=[a-z])", "#", options, flags=re.MULTILINE)
        blocks.append(f"{_comment(f'{option_of(field).text}.')}\n{head}\n{options}")
    return "\n".join(blocks)


def _option_lines(field: "Field[Any]") -> str:
    """Return comment and ``key = value`` of one option, commented out without a default."""
    option = option_of(field)
    accepted = option.accepted or option.unit
    comment = _comment(f"{option.text} ({accepted})." if accepted else f"{option.text}.")
    if field.default in (MISSING, None, ()):
        example = "..." if option.example is None else option.example
        return f"{comment}\n#{field.name} = {_toml(example)}\n"
    return f"{comment}\n{field.name} = {_toml(field.default)}\n"


def _comment(text: str) -> str:
    return textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="# ")


def _toml(value: Any) -> str:
    """Return a default or an example as TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(value)
