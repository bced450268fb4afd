"""The token that the page asks for: read from its file, which is made where it is not there."""

import contextlib
import logging
import os
import secrets
import stat
from pathlib import Path

from edgespec.errors import ConfigError
from edgespec.newfile import make_file

__all__ = ["read_token"]

_LOG = logging.getLogger(__name__)
_LEAST, _MOST, _MOST_BYTES = 16, 256, 4096
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
    # A pipe would keep the observer waiting.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        data = file.read(_MOST_BYTES) if stat.S_ISREG(mode) else b""
    if not stat.S_ISREG(mode):
        raise ConfigError(
            f"web.token_file {str(path)!r} is no file: name one, or none, and it is made"
        )
    if mode & _OF_OTHERS:
        raise ConfigError(
            f"web.token_file {str(path)!r} can be read by everybody, or written by its group: "
            f"chmod 600 {path}"
        )
    token = data.decode("utf-8").strip()
    if not _LEAST <= len(token) <= _MOST or not token.isascii() or not token.isprintable():
        raise ConfigError(
            f"web.token_file {str(path)!r} holds {len(token)} characters or more than one line; it "
            f"must hold {_LEAST} to {_MOST} of ASCII on one line, or not be there: then one is made"
        )
    return token


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(_RANDOM_BYTES) + "\n"
    # Another process may make it at the same time: then that one is read.
    with contextlib.suppress(FileExistsError):
        make_file(path, token.encode(), mode=0o600)
    _LOG.info("made a token for the page: %s", path)
