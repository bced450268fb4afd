"""Types of values, read from the annotations of the dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from edgespec.option import key_of

__all__ = ["Kind", "kind_of", "kinds_of"]

_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path (a text)",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What one annotation accepts.

    ``base`` is str, int, float, bool, Path, an Enum, ``object`` (anything), the dataclass of a
    table, ``tuple`` or ``Mapping``; the last two hold ``item``, a tuple ``length`` of them unless
    that is None. ``choices`` are the values of a Literal. Where a table may be one of several
    dataclasses, ``others`` are those but the first.
    """

    base: type[Any]
    item: "Kind | None" = None
    length: int | None = None
    is_optional: bool = False
    choices: tuple[Any, ...] = ()
    others: tuple[type[Any], ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether the value is a table of its own."""
        return is_dataclass(self.base)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return self.base is tuple

    @property
    def table(self) -> type[Any] | None:
        """The dataclass of a table or of a list of tables; None where it is neither."""
        base = self.item.base if self.is_list and self.item is not None else self.base
        return base if is_dataclass(base) else None

    def table_for(self, value: object) -> type[Any]:
        """Return the dataclass that has the most of a table's keys, the first of as many."""
        keys = set(value) if isinstance(value, dict) else set()
        return max((self.base, *self.others), key=lambda one: len(keys & set(kinds_of(one))))

    @property
    def words(self) -> str:
        """The type as a message says it."""
        if self.choices:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        if self.item is not None and self.is_list:
            length = "" if self.length is None else f" of {self.length}"
            return f"a list{length}, each {self.item.words}"
        return _WORDS.get(self.base, "an object")


#: An index has thousands of records of one type, whose annotations are read once.
_known: dict[type[Any], Mapping[str, Kind]] = {}


def kinds_of(record_type: type[Any]) -> Mapping[str, Kind]:
    """Return the kind of every field of a dataclass by its key, in order.

    Raises:
        TypeError: an annotation that this decoder does not know.
    """
    if record_type not in _known:
        hints = get_type_hints(record_type)
        _known[record_type] = {
            key_of(field): kind_of(hints[field.name]) for field in fields(record_type)
        }
    return _known[record_type]


def kind_of(hint: Any, is_optional: bool = False) -> Kind:
    """Return the kind of an annotation: ``T | None``, ``tuple[T, ...]``, ``Mapping[str, T]``...

    ``A | B`` is known where both are dataclasses.

    Raises:
        TypeError: an annotation that this decoder does not know.
    """
    origin, arms = get_origin(hint), get_args(hint)
    if origin is UnionType:
        first, *others = (arm for arm in arms if arm is not NoneType)
        kind = kind_of(first, is_optional=NoneType in arms)
        if others and not all(map(is_dataclass, (first, *others))):
            raise TypeError(f"{hint} is no annotation that a table can be read by")
        return replace(kind, others=tuple(others))
    if origin is tuple and len({arm for arm in arms if arm is not Ellipsis}) == 1:
        length = None if arms[-1] is Ellipsis else len(arms)
        return Kind(tuple, kind_of(arms[0]), length, is_optional)
    if origin is Mapping and arms[0] is str:
        return Kind(Mapping, kind_of(arms[1]), None, is_optional)
    if origin is Literal:
        return Kind(type(arms[0]), None, None, is_optional, arms)
    if hint is Any:
        return Kind(object)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Kind(hint, None, None, is_optional, tuple(one.value for one in hint))
    if hint in _WORDS or is_dataclass(hint):
        return Kind(hint, None, None, is_optional)
    raise TypeError(f"{hint} is no annotation that a table can be read by")
