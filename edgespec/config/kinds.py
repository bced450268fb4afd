"""Types of options, read from the annotations of the dataclasses."""

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

__all__ = ["Kind", "kinds_of"]

_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path (a text)",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Type of an option: ``base`` is str, int, float, bool, Path or the dataclass of a table."""

    base: type[Any]
    is_list: bool = False

    @property
    def is_table(self) -> bool:
        """Whether the option is a table of its own."""
        return is_dataclass(self.base)

    @property
    def words(self) -> str:
        """The type as a message says it."""
        return f"a list, each {_WORDS[self.base]}" if self.is_list else _WORDS[self.base]


def kinds_of(record_type: type[Any]) -> dict[str, Kind]:
    """Return the kind of every field of a dataclass, in order."""
    hints = get_type_hints(record_type)
    return {field.name: _kind(hints[field.name]) for field in fields(record_type)}


def _kind(hint: Any) -> Kind:
    """Return the kind of ``T``, ``T | None`` or ``tuple[T, ...]``."""
    if get_origin(hint) is UnionType:
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
    if get_origin(hint) is tuple:
        return Kind(get_args(hint)[0], is_list=True)
    return Kind(hint)
