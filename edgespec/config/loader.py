"""From a TOML file, the environment and the command line to a :class:`Config`.

One walker goes over the dataclasses of ``model.py``: a new option needs no line here.
"""

import os
import tomllib
from dataclasses import MISSING, dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from edgespec.config.kinds import Kind, kinds_of
from edgespec.config.model import Config
from edgespec.errors import ConfigError
from edgespec.option import Option, option_of

__all__ = ["load_config", "load_record", "override"]

R = TypeVar("R")

_PASSWORD_VARIABLE = "EDGESPEC_MQTT_PASSWORD"
_URL_VARIABLE = "EDGESPEC_MQTT_URL"


def load_config(path: Path | None) -> Config:
    """Return the configuration of a TOML file, or the defaults where ``path`` is None.

    Relative paths in the file are relative to its folder. ``EDGESPEC_MQTT_PASSWORD`` and
    ``EDGESPEC_MQTT_URL`` win over the file.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or says something that is not accepted;
            the message names file, key and what to write.
    """
    if path is None:
        return _with_environment(Config())
    config = load_record(Config, path, "`edgespec config init` prints a configuration")
    try:
        return _with_environment(_with_password_file(config))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def load_record(record_type: type[R], path: Path, advice: str) -> R:
    """Return a TOML file as an instance of a dataclass whose fields say what they accept.

    ``advice`` names what prints such a file to start from; relative paths in it are relative to
    its folder.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or says something that is not accepted.
    """
    tables = _read_toml(path, advice)
    try:
        record: R = _Walker(path.absolute().parent, record_type).record(record_type, tables, "")
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return record


def override(
    config: Config,
    *,
    source: str | None = None,
    model: Path | None = None,
    mqtt: str | None = None,
    node: str | None = None,
    state_dir: Path | None = None,
    backend: str | None = None,
    front_end: str | None = None,
    detectors: tuple[str, ...] | None = None,
    false_alarm_rate: float | None = None,
) -> Config:
    """Return the configuration with what the command line says; None leaves it as it is.

    ``source`` replaces the URI and keeps rate, frequency and gain; ``mqtt`` is the broker's URL.

    Raises:
        ConfigError: a value that is not accepted.
    """
    return replace(
        config,
        node=_changed(config.node, id=node, state_dir=state_dir),
        source=tuple(_changed(item, uri=source) for item in config.source),
        band=tuple(
            _changed(item, model=model, backend=backend, front_end=front_end)
            for item in config.band
        ),
        detect=_changed(config.detect, detectors=detectors, false_alarm_rate=false_alarm_rate),
        mqtt=_changed(config.mqtt, url=mqtt),
    )


def _changed(record: Any, **changes: object) -> Any:
    """Return the record with those changes that are not None."""
    return replace(record, **{name: value for name, value in changes.items() if value is not None})


def _read_toml(path: Path, advice: str) -> dict[str, Any]:
    """Return the tables of a file as plain dicts."""
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}); {advice} to start from"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8 text at byte {error.start}; save it as UTF-8") from (
            None
        )
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from None


def _with_environment(config: Config) -> Config:
    """Return the configuration with the secrets of the environment; empty ones do not count."""
    return replace(
        config,
        mqtt=_changed(
            config.mqtt,
            url=os.environ.get(_URL_VARIABLE) or None,
            password=os.environ.get(_PASSWORD_VARIABLE) or None,
        ),
    )


def _with_password_file(config: Config) -> Config:
    """Return the configuration with the password read from its file, if there is one."""
    path = config.mqtt.password_file
    if path is None:
        return config
    if config.mqtt.password is not None:
        raise ConfigError("mqtt has both password and password_file; keep one of them")
    try:
        password = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigError(
            f"mqtt.password_file {str(path)!r} cannot be read ({reason}); "
            "let the user of edgespec read it"
        ) from None
    return replace(config, mqtt=replace(config.mqtt, password=password))


@dataclass(frozen=True, slots=True)
class _Walker:
    """Makes dataclasses of tables; ``folder`` is where relative paths begin, ``root`` the whole."""

    folder: Path
    root: type[Any]

    def record(self, record_type: type[Any], table: dict[str, Any], path: str) -> Any:
        """Return an instance of a dataclass from the table at ``path``."""
        kinds = kinds_of(record_type)
        for key in table:
            if key not in kinds:
                raise ConfigError(_unknown_key(key, list(kinds), path, self.root))
        for field in fields(record_type):
            if field.default is field.default_factory is MISSING and field.name not in table:
                raise ConfigError(f"{f'{path}.{field.name}'.lstrip('.')} is missing; give it")
        options = {field.name: option_of(field) for field in fields(record_type)}
        values = {
            key: self._value(kinds[key], options[key], value, f"{path}.{key}".lstrip("."))
            for key, value in table.items()
        }
        try:
            return record_type(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}.{error}".lstrip(".")) from None

    def _value(self, kind: Kind, option: Option, value: Any, path: str) -> Any:
        """Return the value at ``path``, with the type of its option."""
        if kind.is_table:
            return self._tables(kind, value, path)
        if kind.is_list and isinstance(value, list):
            return tuple(self._scalar(kind, option, item, path) for item in value)
        if kind.is_list:
            raise ConfigError(_wrong_type(kind, option, value, path))
        return self._scalar(kind, option, value, path)

    def _tables(self, kind: Kind, value: Any, path: str) -> Any:
        """Return the record of a ``[table]``, or the records of its ``[[tables]]``."""
        if kind.is_list:
            if not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
                raise ConfigError(f"{path} must be a list of tables; write [[{path}]] above it")
            return tuple(
                self.record(kind.base, item, f"{path}[{index}]") for index, item in enumerate(value)
            )
        if not isinstance(value, dict):
            raise ConfigError(f"{path} must be one table; write [{path}] above it")
        return self.record(kind.base, value, path)

    def _scalar(self, kind: Kind, option: Option, value: Any, path: str) -> Any:
        """Return one text, number or path."""
        if kind.base is Path and isinstance(value, str) and value:
            try:
                return self.folder / Path(value).expanduser()
            except RuntimeError:
                raise ConfigError(f"{path} is {value!r}; that home directory is unknown") from None
        if kind.base is float and type(value) is int and abs(value) < 2**63:
            return float(value)
        # Not isinstance: to Python, true is a whole number.
        if type(value) is not kind.base:
            raise ConfigError(_wrong_type(kind, option, value, path))
        return value


def _wrong_type(kind: Kind, option: Option, value: Any, path: str) -> str:
    """Return the message for a value of another type, without any secret."""
    shown = "of another type" if option.secret else repr(value)
    bounds = f", {option.accepted}" if option.accepted else ""
    return f"{path} is {shown}; it must be {kind.words}{bounds}"


def _unknown_key(key: str, known: list[str], path: str, root: type[Any]) -> str:
    """Return the message for an unknown key: the nearest one, its right table, or all."""
    full = f"{path}.{key}".lstrip(".")
    what = "key" if path or not all(kind.is_table for kind in kinds_of(root).values()) else "table"
    homes = [
        f"[{table}]"
        for table, kind in kinds_of(root).items()
        if kind.is_table and not path.startswith(table) and key in kinds_of(kind.base)
    ]
    near = get_close_matches(key, known, n=1)
    if near:
        advice = f"did you mean {near[0]!r}?"
    elif homes:
        advice = f"it belongs into {' or '.join(homes)}"
    else:
        (nearest,) = get_close_matches(key, known, n=1, cutoff=0.0)
        advice = f"the nearest is {nearest!r}, and known are {', '.join(known)}"
    return f"{full} is no known {what}; {advice}"
