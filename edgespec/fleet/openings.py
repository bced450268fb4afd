"""From what the command line says to brokers, a store and their names."""

import contextlib
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from edgespec.config import Config, MqttConfig
from edgespec.door import brief
from edgespec.errors import ConfigError, UsageError
from edgespec.fleet.place import shown_url, store_url
from edgespec.lock import hold_file
from edgespec.mqtt.url import BrokerUrl
from edgespec.newfile import make_file
from edgespec.option import ID

__all__ = [
    "MAIN", "brokers_of", "hold_spool", "identity_of", "left_behind", "spool_folder", "store_of",
]  # fmt: skip

#: The only broker, where it was given no name.
MAIN = "main"
#: A name has no ':', '/' or '@', so that none is read out of a password with a '='.
_NAMED = re.compile(r"([^:/@=]*)=(.*)", re.DOTALL)
_NAME = re.compile(str(ID["pattern"]))


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
    names: dict[tuple[str, int], str] = {}
    for text in told:
        match = _NAMED.fullmatch(text)
        if match is None and len(told) > 1:
            raise UsageError(
                "of several brokers, each --mqtt is NAME=mqtt://HOST: the name stays when the "
                "address changes"
            )
        name, url = (match[1].strip(), match[2]) if match else (MAIN, text)
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"--mqtt calls a broker {brief(ascii(name), 40)}; its name must be "
                f"{ID['pattern_text']}, in front of =mqtt://HOST"
            )
        if name in found:
            raise UsageError(f"two brokers are called {name!r}: give each a name of its own")
        settings, address = replace(config.mqtt, url=url), BrokerUrl.parse(url)
        other = names.setdefault((address.host, address.port), name)
        if other != name:
            # They would have one client id there, and throw each other off.
            raise UsageError(
                f"{other!r} and {name!r} are one broker, {address}: name each broker once"
            )
        if address.username is not None:
            settings = replace(settings, username=None, password=None)
        found[name] = settings
    return found


def store_of(config: Config, told: str | None) -> URL:
    """Return the store: the one that is named, or a file in the folder of the configuration.

    Raises:
        ConfigError: it is none.
    """
    return store_url(str(config.node.state_dir / "fleet.sqlite") if told is None else told)


def identity_of(config: Config, url: URL, brokers: Mapping[str, MqttConfig]) -> str:
    """Return the end of a client id: the same for the same folder, store and brokers.

    It does not go by the name of the host, which is another for each container: the broker keeps
    what comes for this id.

    Raises:
        ConfigError: the folder cannot be written.
    """
    path = config.node.state_dir / "fleet-id"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            make_file(path, f"{secrets.token_hex(8)}\n".encode())
        mine = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise ConfigError(
            f"node.state_dir {str(path.parent)!r} cannot be used ({error.strerror}): let the user "
            "of edgespec write there, or name another"
        ) from None
    text = "\0".join((mine, shown_url(url), *sorted(brokers)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def spool_folder(config: Config, identity: str) -> Path:
    """Return where rows wait for a store: another one, or other brokers, have another folder."""
    return config.node.state_dir / "fleet-spool" / identity


def hold_spool(folder: Path) -> IO[bytes]:
    """Return a lock, held until it is closed, on where rows wait.

    The store's own does not exist while the store is away, and then two would write one file.

    Raises:
        ConfigError: another program has it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = hold_file(folder / "lock")
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be used ({error.strerror}): let the user of edgespec write there, or "
            "name another node.state_dir"
        ) from None
    if lock is None:
        raise ConfigError(
            f"another edgespec fleet run for this store and these brokers has {folder}: stop it, "
            "or give this one a node.state_dir of its own"
        )
    return lock


def left_behind(folder: Path) -> list[Path]:
    """Return the folders beside one in which rows of other brokers, or for another store, wait."""
    return sorted({path.parent for path in folder.parent.glob("*/*.jsonl")} - {folder})
