"""From a TOML file, the environment and the command line to a :class:`Config`."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from edgespec.config.whole import Config
from edgespec.decode import Decoder, read_toml
from edgespec.door import door, refuse_fifo
from edgespec.errors import ConfigError

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
    with door(str(path), ConfigError, f"{advice} to start from"):
        tables = read_toml(path, ConfigError, f"{advice} to start from")
        decoder = Decoder(is_toml=True, folder=path.absolute().parent)
        return decoder.decode(record_type, tables, str(path))


def override(
    config: Config,
    *,
    source: str | None = None,
    model: Path | None = None,
    shadow: Path | None = None,
    mqtt: str | None = None,
    web: str | None = None,
    node: str | None = None,
    state_dir: Path | None = None,
    backend: str | None = None,
    computing: str | None = None,
    detectors: tuple[str, ...] | None = None,
    false_alarm_rate: float | None = None,
) -> Config:
    """Return the configuration with what the command line says; None leaves it as it is.

    ``source`` replaces the URI of the only source and keeps rate, frequency and gain; ``model``,
    ``shadow``, ``backend`` is that of every band; ``mqtt`` is the broker's URL, ``web`` the
    address of the page.

    Raises:
        ConfigError: a value that is not accepted, or several sources to replace.
    """
    if source is not None and len(config.source) > 1:
        names = ", ".join(item.id for item in config.source)
        raise ConfigError(
            f"the configuration has several sources ({names}), so {source!r} cannot replace the "
            "source: write it into the file"
        )
    return replace(
        config,
        node=_changed(config.node, id=node, state_dir=state_dir, computing=computing),
        source=tuple(_changed(item, uri=source) for item in config.source),
        band=tuple(
            _changed(item, model=model, shadow=shadow, backend=backend) for item in config.band
        ),
        detect=_changed(config.detect, detectors=detectors, false_alarm_rate=false_alarm_rate),
        mqtt=_changed(config.mqtt, url=mqtt),
        web=_changed(config.web, listen=web),
    )


def _changed(record: Any, **changes: object) -> Any:
    """Return the record with those changes that are not None."""
    return replace(record, **{name: value for name, value in changes.items() if value is not None})


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
        refuse_fifo(path)
        password = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigError(
            f"mqtt.password_file {str(path)!r} cannot be read ({reason}); "
            "let the user of edgespec read it"
        ) from None
    return replace(config, mqtt=replace(config.mqtt, password=password))
