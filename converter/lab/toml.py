"""Experiment files: TOML tables as the records of :mod:`converter.lab.experiment`.

Every field of :class:`~converter.lab.experiment.Experiment` is a table; those that hold
records by name are ``[populations.NAME]`` and so on. ``[defaults.populations]`` and the like give
what the records of one table have in common, so that a file says only what differs;
``[defaults.transfers]`` what models with a teacher have beside ``[defaults.models]``. ``base``
names a file that it extends (:mod:`converter.lab.base`).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.lab.base import extended_tables
from converter.lab.checks import check_experiment
from converter.lab.experiment import Experiment
from edgespec.decode import Decoder
from edgespec.decode.kind import kinds_of
from edgespec.door import door
from edgespec.errors import ConfigError
from edgespec.nearest import advice

__all__ = ["load_experiment"]

_DEFAULTS, _TRANSFERS = "defaults", "transfers"
_DECODER = Decoder(is_toml=True)
#: Of samples that nobody hears.
_NO_GEOMETRY = {"sample_rate_hz": 5e6}
#: Names become names of files.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*")


def load_experiment(path: Path) -> Experiment:
    """Return the experiment of a TOML file, its references checked.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or says something that is not accepted;
            the message names file, key and what to write.
    """
    tables = extended_tables(path)
    with door(f"the experiment {path}", ConfigError, "correct it"):
        try:
            return _experiment(tables)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None


def _experiment(tables: dict[str, Any]) -> Experiment:
    """Return the experiment of tables, each with what the defaults say."""
    kinds = kinds_of(Experiment)
    defaults = _defaults(_taken(tables, _DEFAULTS))
    for key, table in tables.items():
        if key not in kinds:
            what = "table" if isinstance(table, Mapping) else "key"
            raise ConfigError(f"{key} is no known {what}; {advice(key, [*kinds, _DEFAULTS])}")
        if key in _named():
            tables[key] = _with_defaults(defaults, table, key)
    if _is_swept_alone(tables):
        tables |= {"geometry": _NO_GEOMETRY, "populations": {}}
    _inherit_geometry(tables)
    _fill_observers(tables, defaults)
    experiment = _DECODER.record(Experiment, tables)
    check_experiment(experiment)
    return experiment


def _is_swept_alone(tables: Mapping[str, Any]) -> bool:
    """Return whether nothing is heard sample by sample, so that no geometry need be given."""
    return "swept" in tables and not {"geometry", "populations"} & set(tables)


def _named() -> dict[str, type[Any]]:
    """Return the tables that hold records by name, and what these are."""
    items = ((key, kind.item) for key, kind in kinds_of(Experiment).items() if not kind.is_list)
    return {key: item.base for key, item in items if item is not None}


def _taken(tables: dict[str, Any], key: str) -> dict[str, Any]:
    return dict(_table(tables.pop(key, {}), key))


def _table(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path} must be a table; write [{path}] above it")
    return value


def _defaults(tables: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return defaults whose keys are known; what they mean is checked in each record."""
    named = _named()
    named[_TRANSFERS] = named["models"]
    for key, table in tables.items():
        path = f"{_DEFAULTS}.{key}"
        if key not in named:
            raise ConfigError(f"{path} is no known table; {advice(key, named)}")
        kinds = {name: kind for name, kind in kinds_of(named[key]).items() if name != "name"}
        for option, value in _table(table, path).items():
            full = f"{path}.{option}"
            if option not in kinds:
                raise ConfigError(f"{full} is no known key; {advice(option, kinds)}")
            _DECODER.value(kinds[option], value, full)
    return dict(tables)


def _with_defaults(defaults: Mapping[str, Any], table: Any, key: str) -> dict[str, Any]:
    records = {}
    for name, item in _table(table, key).items():
        own = _table(item, f"{key}.{name}")
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{key}.{name} is no name; take letters, digits, -, _ and +, for a file has it"
            )
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
