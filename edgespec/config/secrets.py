"""What of a configuration is nobody else's business, by what its options say of themselves."""

import os
import re
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from edgespec.door import refuse_fifo
from edgespec.option import key_of, option_of

__all__ = ["HIDDEN", "Secrets", "public_tables", "secrets_of"]

#: What stands for a secret.
HIDDEN = "***"
#: User and password of any address.
_USER_INFO = re.compile(r"(?<=//)[^/?#\s\"']*@")
#: Every variable that this program reads begins so.
_VARIABLES = "EDGESPEC_"
_LONGEST_FILE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Secrets:
    """Texts that must not be told, and files whose content must not."""

    texts: frozenset[str]
    files: frozenset[Path]

    def all_texts(self) -> frozenset[str]:
        """Return the texts, with those in the files: each whole, and each of its lines."""
        texts = set(self.texts)
        for path in self.files:
            try:
                refuse_fifo(path)
                with path.open(encoding="utf-8", errors="replace") as file:
                    content = file.read(_LONGEST_FILE_BYTES)
            except OSError:
                # What this user cannot read, it cannot tell either.
                continue
            lines = [line.strip() for line in content.splitlines()]
            # The frame of a PEM file is no secret.
            texts |= {line for line in (content.strip(), *lines) if not line.startswith("-----")}
        return frozenset(filter(None, texts))


def secrets_of(config: Any) -> Secrets:
    """Return the secrets of a configuration and of the environment that it is read with.

    Args:
        config: a record whose options say what is secret (:class:`~edgespec.option.Option`).
    """
    texts: set[str] = set()
    files: set[Path] = set()
    _gather(config, texts, files)
    for name, value in os.environ.items():
        if name.startswith(_VARIABLES):
            texts.add(value)
    return Secrets(frozenset(filter(None, texts)), frozenset(files))


def public_tables(record: Any) -> dict[str, Any]:
    """Return the options of a record by their keys, secret ones as ``***``, None left out.

    Of any other text, user and password of an address are taken out.
    """
    tables = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if value is None or value == ():
            continue
        tables[key_of(field)] = HIDDEN if option_of(field).secret else _public(value)
    return tables


def _public(value: Any) -> Any:
    if is_dataclass(value):
        return public_tables(value)
    if isinstance(value, tuple):
        return [_public(item) for item in value]
    if isinstance(value, (bool, int, float)):
        return value
    return _USER_INFO.sub(f"{HIDDEN}@", str(value))


def _gather(record: Any, texts: set[str], files: set[Path]) -> None:
    for field in fields(record):
        option, value = option_of(field), getattr(record, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item):
                _gather(item, texts, files)
            elif option.holds_secret and isinstance(item, Path):
                files.add(item)
            elif isinstance(item, str):
                if option.secret:
                    texts |= {item, *_behind_host(item)}
                for found in _USER_INFO.findall(item):
                    parts = {found[:-1], *found[:-1].split(":", 1)}
                    texts |= parts | {unquote(part) for part in parts}


def _behind_host(text: str) -> set[str]:
    """Return what stands behind the host of an address that is a secret: it opens the door."""
    host_and_rest = text.partition("://")[2]
    rest = host_and_rest.partition("/")[2]
    parts = {rest, rest.partition("?")[0], rest.partition("?")[2]}
    return parts | {unquote(part) for part in parts}
