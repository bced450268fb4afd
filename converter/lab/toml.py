"""Experiment files: TOML tables as the records of :mod:`converter.lab.experiment`.

Every field of :class:`~converter.lab.experiment.Experiment` is a table; those that hold
records by name are ``[populations.NAME]`` and so on. ``[defaults.populations]`` and the like give
what the records of one table have in common, so that a file says only what differs;
``[defaults.transfers]`` what models with a teacher have beside ``[defaults.models]``.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from converter.lab.checks import check_experiment
from converter.lab.experiment import Experiment
from edgespec.errors import ConfigError, EdgespecError

__all__ = ["load_experiment", "parse_experiment"]

_DEFAULTS, _TRANSFERS = "defaults", "transfers"
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
#: Names become names of files.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*")


def load_experiment(path: Path) -> Experiment:
    """Return the experiment of a TOML file, its references checked.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or says something that is not accepted;
            the message names file, key and what to write.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): give a TOML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is no UTF-8 text at byte {error.start}; save it as UTF-8"
        ) from None
    try:
        return parse_experiment(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse_experiment(text: str) -> Experiment:
    """Return the experiment of a TOML text.

    Raises:
        ConfigError: as :func:`load_experiment`, without the name of a file.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"no valid TOML: {error}") from None
    hints = get_type_hints(Experiment)
    defaults = _defaults(_taken(tables, _DEFAULTS), hints)
    for key, table in tables.items():
        if key not in hints:
            raise ConfigError(_unknown(key, "table", [*hints, _DEFAULTS]))
        if _is_named(hints[key]):
            tables[key] = _with_defaults(defaults, table, key)
    _inherit_geometry(tables)
    _fill_observers(tables, defaults)
    experiment: Experiment = _record(Experiment, tables, "")
    check_experiment(experiment)
    return experiment


def _is_named(hint: Any) -> bool:
    """Whether a type is that of records by name."""
    return get_origin(hint) is Mapping and is_dataclass(get_args(hint)[1])


def _taken(tables: dict[str, Any], key: str) -> dict[str, Any]:
    return dict(_table(tables.pop(key, {}), key))


def _table(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path} must be a table; write [{path}] above it")
    return value


def _defaults(tables: Mapping[str, Any], hints: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return defaults whose keys are known; what they mean is checked in each record."""
    named = {key: get_args(hint)[1] for key, hint in hints.items() if _is_named(hint)}
    named[_TRANSFERS] = named["models"]
    for key, table in tables.items():
        path = f"{_DEFAULTS}.{key}"
        if key not in named:
            raise ConfigError(_unknown(path, "table", list(named)))
        kinds = get_type_hints(named[key])
        known = [name for name in kinds if name != "name"]
        for option, value in _table(table, path).items():
            if option not in known:
                raise ConfigError(_unknown(f"{path}.{option}", "key", known))
            _value(kinds[option], value, f"{path}.{option}")
    return dict(tables)


def _with_defaults(defaults: Mapping[str, Any], table: Any, key: str) -> dict[str, Any]:
    records = {}
    for name, item in _table(table, key).items():
        own = _table(item, f"{key}.{name}")
        is_transfer = key == "models" and "teacher" in own
        more = defaults.get(_TRANSFERS, {}) if is_transfer else {}
        records[name] = {**defaults.get(key, {}), **more, **own}
    return records


def _inherit_geometry(tables: dict[str, Any]) -> None:
    """Give a population's geometry what it does not say of its own."""
    common = _table(tables.get("geometry", {}), "geometry")
    if "geometries" in tables:
        tables["geometries"] = _with_defaults(
            {"geometries": common}, tables["geometries"], "geometries"
        )


def _fill_observers(tables: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Say of every population how many observers it has."""
    given = tables.setdefault("observers", {})
    for name in _table(tables.get("populations", {}), "populations"):
        given.setdefault(name, dict(defaults.get("observers", {})))


def _record(record_type: type[Any], table: Any, path: str, name: str | None = None) -> Any:
    """Return an instance of a dataclass from the table at ``path``, called ``name``."""
    hints = get_type_hints(record_type)
    known = [field.name for field in fields(record_type)]
    values = {} if name is None or "name" not in known else {"name": name}
    for key, value in _table(table, path).items():
        full = f"{path}.{key}".lstrip(".")
        if key not in known or key in values:
            raise ConfigError(_unknown(full, "key" if path else "table", known))
        values[key] = _value(hints[key], value, full)
    for field in fields(record_type):
        is_needed = field.default is MISSING and field.default_factory is MISSING
        if is_needed and field.name not in values:
            raise ConfigError(f"{path}.{field.name}".lstrip(".") + " is missing; it has no default")
    try:
        return record_type(**values)
    except EdgespecError as error:
        raise ConfigError(f"{path}: {error}") from None


def _value(hint: Any, value: Any, path: str) -> Any:
    """Return the value at ``path`` as a type has it."""
    if get_origin(hint) is UnionType:
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
    if is_dataclass(hint):
        return _record(_as_type(hint), value, path)
    if get_origin(hint) is Mapping:
        return _mapping(get_args(hint)[1], value, path)
    if get_origin(hint) is tuple:
        return _list(get_args(hint), value, path)
    if hint is float and type(value) is int:
        return float(value)
    # Not isinstance: to Python, true is a whole number.
    if hint is not Any and type(value) is not hint:
        raise ConfigError(f"{path} is {value!r}; it must be {_WORDS[hint]}")
    return value


def _as_type(hint: Any) -> type[Any]:
    return hint  # type: ignore[no-any-return]


def _mapping(hint: Any, value: Any, path: str) -> dict[str, Any]:
    if not is_dataclass(hint):
        return dict(_table(value, path))
    records = {}
    for name, item in _table(value, path).items():
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{path}.{name} is no name; take letters, digits, -, _ and +, for a file has it"
            )
        records[name] = _record(_as_type(hint), item, f"{path}.{name}", name)
    return records


def _list(arms: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    n = None if arms[-1] is Ellipsis else len(arms)
    if not isinstance(value, list) or (n is not None and len(value) != n):
        length = "" if n is None else f" of {n}"
        raise ConfigError(f"{path} is {value!r}; it must be a list{length}, each {_WORDS[arms[0]]}")
    return tuple(_value(arms[0], item, path) for item in value)


def _unknown(full: str, what: str, known: list[str]) -> str:
    """Return the message for an unknown key or table, with the nearest one."""
    key = full.rpartition(".")[2]
    near = get_close_matches(key, known, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    if not near:
        (nearest,) = get_close_matches(key, known, n=1, cutoff=0.0)
        advice = f"the nearest is {nearest!r}, and {advice}"
    return f"{full} is no known {what}; {advice}"
