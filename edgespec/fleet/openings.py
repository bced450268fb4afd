"""From what the command line says to brokers, a store and their names."""

import hashlib
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import URL

from edgespec.config import Config, MqttConfig
from edgespec.errors import ConfigError, UsageError
from edgespec.fleet.place import shown_url, store_url
from edgespec.mqtt.url import BrokerUrl
from edgespec.option import ID

__all__ = ["MAIN", "brokers_of", "identity_of", "spool_folder", "store_of"]

#: The only broker, where it was given no name.
MAIN = "main"
_NAMED = re.compile(rf"({ID['pattern']})=(mqtts?://.*)", re.DOTALL)


def brokers_of(config: Config, told: Sequence[str]) -> dict[str, MqttConfig]:
    """Return brokers by name: those of the command line, or the one of the configuration.

    Credentials in a URL are that broker's; without, those of the configuration are tried.

    Raises:
        ConfigError: none is named, or a URL cannot be used.
        UsageError: of several, one has no name, or two have one.
    """
    if not told:
        if config.mqtt.url is None:
            raise ConfigError(
                "no broker is named: add --mqtt URL, or mqtt.url to the configuration given with "
                "--config"
            )
        return {MAIN: config.mqtt}
    found: dict[str, MqttConfig] = {}
    for text in told:
        match = _NAMED.fullmatch(text)
        if match is None and len(told) > 1:
            raise UsageError(
                "of several brokers, each --mqtt is NAME=mqtt://HOST: the name stays when the "
                "address changes"
            )
        name, url = (match[1], match[2]) if match else (MAIN, text)
        if name in found:
            raise UsageError(f"two brokers are called {name!r}: give each a name of its own")
        settings = replace(config.mqtt, url=url)
        if BrokerUrl.parse(url).username is not None:
            settings = replace(settings, username=None, password=None)
        found[name] = settings
    return found


def store_of(config: Config, told: str | None) -> URL:
    """Return the store: the one that is named, or a file in the folder of the configuration.

    Raises:
        ConfigError: it is none.
    """
    return store_url(str(config.node.state_dir / "fleet.sqlite") if told is None else told)


def identity_of(url: URL, brokers: Mapping[str, MqttConfig]) -> str:
    """Return the end of a client id: the same for the same host, store and brokers."""
    host = platform.node().split(".")[0]
    text = "\0".join((platform.node(), shown_url(url), *sorted(brokers)))
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", host)[:30]
    return f"{name or 'host'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def spool_folder(config: Config, identity: str) -> Path:
    """Return where rows wait for a store: another one has another folder."""
    return config.node.state_dir / "fleet-spool" / identity.rpartition("-")[2]
