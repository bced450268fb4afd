"""An experiment file that extends another one: ``base`` and ``without``.

Tables of both are laid over each other key by key, and what is no table is the extending file's.
``without`` names what is not taken over: a table, such as ``"episodes"``, or a record of one, such
as ``"models.shipped"``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgespec.decode import read_toml
from edgespec.errors import ConfigError
from edgespec.nearest import advice

__all__ = ["KEPT_NAME", "base_files", "extended_tables"]

#: Name by which a run keeps its experiment; its bases lie beside it by their own names.
KEPT_NAME = "experiment.toml"
_BASE, _WITHOUT = "base", "without"


def extended_tables(path: Path) -> dict[str, Any]:
    """Return the tables of an experiment file, laid over those of its base, and so on.

    Raises:
        ConfigError: a file cannot be read or is no TOML, extends itself, or leaves out what its
            base does not have; the message names the file.
    """
    tables: dict[str, Any] = {}
    for file, own in reversed(list(_chain(path))):
        own.pop(_BASE, None)
        for name in _names(file, own.pop(_WITHOUT, [])):
            _leave_out(file, tables, name)
        tables = _laid_over(tables, own)
    return tables


def base_files(path: Path) -> list[Path]:
    """Return the files that an experiment file extends, nearest first.

    Raises:
        ConfigError: as :func:`extended_tables`.
    """
    return [file for file, _ in _chain(path)][1:]


def _chain(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    seen: list[str] = []
    while True:
        tables = read_toml(path, ConfigError, "give a TOML file")
        yield path, tables
        if _BASE not in tables:
            if _WITHOUT in tables:
                raise ConfigError(
                    f"{path}: {_WITHOUT} is what a base has too much; name a {_BASE}, or leave "
                    f"{_WITHOUT} out"
                )
            return
        name = tables[_BASE]
        if not isinstance(name, str) or Path(name).name != name or Path(name).suffix != ".toml":
            raise ConfigError(
                f"{path}: {_BASE} is {name!r}; give a TOML file of the same folder, such as "
                '"full.toml"'
            )
        if name == KEPT_NAME and path.name != KEPT_NAME:
            raise ConfigError(
                f"{path}: {_BASE} is {name!r}, which is how a run keeps the extending file; "
                "give the base another name"
            )
        seen.append(path.name)
        if name in seen:
            raise ConfigError(
                f"{path}: {' extends '.join([*seen, name])}; let one of them stand by itself"
            )
        path = path.with_name(name)


def _names(file: Path, names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(
            f"{file}: {_WITHOUT} is {names!r}; give tables and records of the base, such as "
            '["episodes", "models.shipped"]'
        )
    return names


def _leave_out(file: Path, tables: dict[str, Any], name: str) -> None:
    table, known = tables, ""
    *parents, last = name.split(".")
    for parent in parents:
        table, known = table.get(parent, {}), f"{known}{parent}."
        if not isinstance(table, dict):
            table = {}
    if last not in table:
        raise ConfigError(
            f"{file}: {_WITHOUT} has {name!r}, which the base does not; "
            f"{advice(name, [known + key for key in table])}"
        )
    del table[last]


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _laid_over(dict(old), dict(value)) if both else value  # type: ignore[arg-type]
    return merged
