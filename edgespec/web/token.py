"""The token that the page asks for: read from its file, which is made where it is not there."""

import logging
import os
import secrets
import stat
from pathlib import Path

from edgespec.errors import ConfigError

__all__ = ["read_token"]

_LOG = logging.getLogger(__name__)
_LEAST, _MOST = 16, 256
_RANDOM_BYTES = 24
#: What nobody but the owner, and whoever is in the group that may read it, has.
_OF_OTHERS = stat.S_IRWXO | stat.S_IWGRP


def read_token(path: Path) -> str:
    """Return the token in a file; a file that is not there is made with a new one, mode 600.

    Raises:
        ConfigError: it can neither be read nor be made, holds no token, or everybody may read it.
    """
    try:
        try:
            return _checked(path)
        except FileNotFoundError:
            _make(path)
            return _checked(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"web.token_file {str(path)!r} cannot be read or made ({reason}): let the user of "
            "edgespec read it, or name another"
        ) from None


def _checked(path: Path) -> str:
    if path.stat().st_mode & _OF_OTHERS:
        raise ConfigError(
            f"web.token_file {str(path)!r} can be read by everybody, or written by its group: "
            f"chmod 600 {path}"
        )
    token = path.read_text(encoding="utf-8").strip()
    if not _LEAST <= len(token) <= _MOST or not token.isascii() or not token.isprintable():
        raise ConfigError(
            f"web.token_file {str(path)!r} holds {len(token)} characters; it must hold {_LEAST} to "
            f"{_MOST} of ASCII on one line, or not be there: then one is made"
        )
    return token


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(_RANDOM_BYTES) + "\n")
    _LOG.info("made a token for the page: %s", path)
