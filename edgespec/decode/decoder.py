"""From tables to records: one walker over dataclasses, for TOML, JSON and manifests alike.

A new field of a record needs no line here: its annotation says its type and its
:class:`~edgespec.option.Option`, where it has one, its bounds.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from edgespec.decode.depth import depth_of
from edgespec.decode.kind import Kind, kinds_of
from edgespec.decode.shown import clipped, shown
from edgespec.decode.text import parse_json
from edgespec.decode.unknown import unknown_key
from edgespec.errors import ConfigError, EdgespecError
from edgespec.option import Option, key_of, option_of

__all__ = ["Decoder"]

R = TypeVar("R")

#: Tables within tables where anything is accepted; no file of ours comes near.
MAX_DEPTH = 32
_MAX_KEY, _MAX_MESSAGE = 60, 1000
_NO_OPTION = Option("")


@dataclass(frozen=True, slots=True)
class Decoder:
    """Makes dataclasses of tables, and says what is wrong with a path to it.

    ``error`` is raised. ``is_toml`` words a message for who writes TOML by hand. ``advice`` is
    what to do about a key that is not there; with ``needs_all`` a default does not help, but for
    what ``may_lack``.
    ``folder`` is where relative paths begin. With ``is_finite`` no number is infinite or NaN.
    With ``allows_more`` unknown keys are left alone, as those of a newer version of a message.
    """

    error: type[EdgespecError] = ConfigError
    is_toml: bool = False
    advice: str = "give it"
    needs_all: bool = False
    folder: Path = Path()
    is_finite: bool = True
    allows_more: bool = False

    def decode(self, record_type: type[R], table: object, where: str) -> R:
        """Return an instance of a dataclass from a whole file or message, called ``where``.

        A record in a table of records by name takes its ``name`` from there, if it has one. What
        is there twice, unknown, missing or of another type is an error, and so is what the
        record itself refuses.

        Raises:
            EdgespecError: of the class ``error``, with ``where``, the path of the key, its value
                and what is accepted, in at most a few lines.
        """
        try:
            return self.record(record_type, table)
        except self.error as error:
            raise self.error(f"{where}: {error}") from None

    def from_json(self, record_type: type[R], text: bytes | str, schema: str, where: str) -> R:
        """Return an instance of a dataclass from a JSON text of this ``schema``.

        Raises:
            EdgespecError: as :meth:`decode`; or the text is no JSON, or of another schema.
        """
        data = parse_json(text, schema, self.error, where, self.advice)
        return self.decode(record_type, data, where)

    def record(
        self, record_type: type[R], table: object, path: str = "", name: str | None = None
    ) -> R:
        """Return an instance of a dataclass from the table at ``path``.

        Raises:
            EdgespecError: as :meth:`decode`, without the name of the file.
        """
        made: R = _Walk(self, record_type).record(record_type, table, path, name)
        return made

    def value(self, kind: Kind, value: object, path: str, option: Option = _NO_OPTION) -> Any:
        """Return the value at ``path`` as its kind has it.

        Raises:
            EdgespecError: as :meth:`record`.
        """
        return _Walk(self, None).value(kind, option, value, path)


@dataclass(frozen=True, slots=True)
class _Walk:
    """One pass; ``root`` is the whole, where a key that is nowhere at home may belong."""

    rules: Decoder
    root: type[Any] | None

    def record(self, record_type: type[Any], table: object, path: str, name: str | None) -> Any:
        if not isinstance(table, dict):
            raise self._no_table(table, path)
        kinds = kinds_of(record_type)
        values: dict[str, Any] = {}
        if name is not None and "name" in kinds:
            values["name"] = name
        known = [key for key in kinds if key not in values]
        own = {key_of(field): field for field in fields(record_type)}
        for key, value in table.items():
            if key not in known and not self.rules.allows_more:
                what = "table" if self._is_table(value, path) else "key"
                say = unknown_key(key, known, path, self.root)
                raise self._failure(f"{_joined(path, key)} is no known {what}; {say}")
        for key, field in own.items():
            has_default = not (field.default is field.default_factory is MISSING)
            is_given = key in table or key in values
            is_needed = self.rules.needs_all and not option_of(field).may_lack
            if not is_given and (is_needed or not has_default):
                full = _joined(path, key)
                raise self._failure(f"{full} is missing; {self.rules.advice}")
        for key in known:
            if key in table:
                values[key] = self.value(
                    kinds[key], option_of(own[key]), table[key], _joined(path, key)
                )
        try:
            return record_type(**{own[key].name: value for key, value in values.items()})
        except EdgespecError as error:
            raise self._failure(_within(path, str(error), kinds)) from None

    def value(self, kind: Kind, option: Option, value: object, path: str) -> Any:
        """Return the value at ``path``, with the type of its option."""
        if value is None and kind.is_optional:
            return None
        if kind.item is not None:
            return self._many(kind, kind.item, option, value, path)
        if kind.is_table:
            return self.record(kind.table_for(value), value, path, None)
        return self._scalar(kind, option, value, path)

    def _many(self, kind: Kind, item: Kind, option: Option, value: object, path: str) -> Any:
        """Return a tuple, or a dict of items by name."""
        if not kind.is_list:
            if not isinstance(value, dict):
                raise self._no_table(value, path)
            return {key: self._named(item, option, one, path, key) for key, one in value.items()}
        are_tables = isinstance(value, list) and all(isinstance(one, dict) for one in value)
        if item.is_table and self.rules.is_toml and not are_tables:
            raise self._failure(f"{path} must be a list of tables; write [[{path}]] above it")
        if not isinstance(value, list) or kind.length not in (None, len(value)):
            raise self._wrong_type(kind, option, value, path)
        if item.is_table:
            return tuple(
                self.value(item, option, one, f"{path}[{i}]") for i, one in enumerate(value)
            )
        return tuple(self.value(item, option, one, path) for one in value)

    def _named(self, item: Kind, option: Option, value: object, path: str, key: str) -> Any:
        full = _joined(path, key)
        if item.is_table:
            return self.record(item.base, value, full, key)
        return self.value(item, option, value, full)

    def _scalar(self, kind: Kind, option: Option, value: Any, path: str) -> Any:
        """Return one text, number, path, choice, or anything at all."""
        base = kind.base
        if base is object:
            if depth_of(value, MAX_DEPTH) > MAX_DEPTH:
                raise self._failure(f"{path} is nested more than {MAX_DEPTH} deep; make it flatter")
            return value
        if base is Path and isinstance(value, str) and value and "\0" not in value:
            try:
                return self.rules.folder / Path(value).expanduser()
            except RuntimeError:
                raise self._failure(
                    f"{path} is {shown(value)}; that home directory is unknown"
                ) from None
        if base is float and type(value) is int and abs(value) < 2**63:
            return float(value)
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise self._wrong_type(kind, option, value, path)
        # Not isinstance: to Python, true is a whole number.
        if kind.choices:
            if not any(type(value) is type(one) and value == one for one in kind.choices):
                raise self._wrong_type(kind, option, value, path)
            return base(value) if issubclass(base, Enum) else value
        if type(value) is not base or (
            base is float and self.rules.is_finite and not math.isfinite(value)
        ):
            raise self._wrong_type(kind, option, value, path)
        return value

    def _failure(self, message: str) -> EdgespecError:
        return self.rules.error(clipped(message, _MAX_MESSAGE))

    def _wrong_type(self, kind: Kind, option: Option, value: object, path: str) -> EdgespecError:
        """Return the error for a value of another type, without any secret."""
        seen = "of another type" if option.secret else shown(value)
        bounds = f", {option.accepted}" if option.accepted else ""
        is_number = kind.base is float and type(value) is float
        words = "a finite number" if is_number else kind.words
        return self._failure(f"{path} is {seen}; it must be {words}{bounds}")

    def _no_table(self, value: object, path: str) -> EdgespecError:
        if self.rules.is_toml:
            return self._failure(f"{path} must be one table; write [{path}] above it")
        return self._failure(f"{path or 'it'} is {shown(value)}; it must be an object")

    def _is_table(self, value: object, path: str) -> bool:
        """Whether what has an unknown key is a table of TOML, or should be one."""
        if not self.rules.is_toml or self.root is None:
            return False
        only_tables = all(kind.table for kind in kinds_of(self.root).values())
        return isinstance(value, dict) or (not path and only_tables)


def _joined(path: str, key: str) -> str:
    key = clipped(key, _MAX_KEY)
    return f"{path}.{key}" if path else key


def _within(path: str, message: str, kinds: Mapping[str, Kind]) -> str:
    """Return what a record says of itself with its path; of one of its fields, with the key."""
    if not path:
        return message
    is_of_field = message.split(" ")[0].rstrip(",:") in kinds
    return f"{path}.{message}" if is_of_field else f"{path}: {message}"
