"""Which database a fleet's store is: a file of SQLite, or PostgreSQL by its URL."""

import importlib.util
import re
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from edgespec.errors import ConfigError

__all__ = ["shown_url", "store_url"]

_ACCEPTED = "a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"
#: A database that does not answer for so long is away.
_CONNECT_S, _SILENT_MS = 5, 15_000


def store_url(text: str) -> URL:
    """Return the URL of a store with its driver.

    A password is better kept where libpq looks for it (PGPASSWORD, ~/.pgpass) than in a URL.

    Raises:
        ConfigError: it is no such URL, or what speaks to it is not installed.
    """
    if "://" not in text:
        if not text or "\0" in text or text == ":memory:":
            raise ConfigError(f"the store is {text[:60]!r}; it must be {_ACCEPTED}")
        return URL.create("sqlite+pysqlite", database=str(Path(text).expanduser()))
    # Which psql takes, too.
    text = re.sub(r"(?i)\A\s*postgres(ql)?://", "postgresql://", text)
    try:
        url = make_url(text)
        kind = url.get_backend_name()
    except (ArgumentError, ValueError):
        # The text may hold a password.
        raise ConfigError(f"the store is no URL that can be read; it must be {_ACCEPTED}") from None
    if "@" in (url.host or ""):
        raise ConfigError(
            "the store has more than one @, so that a part of its password would be its host: "
            "write @ in a password as %40, or keep it in PGPASSWORD or ~/.pgpass"
        )
    if kind == "sqlite":
        if url.database in (None, "", ":memory:") or url.host:
            raise ConfigError(
                f"the store {shown_url(url)!r} names no file: write sqlite:///PATH, with a fourth "
                "slash before an absolute path"
            )
        return url.set(drivername="sqlite+pysqlite", query={})
    if kind != "postgresql":
        raise ConfigError(f"the store is of {kind[:40]!r}; it must be {_ACCEPTED}")
    if importlib.util.find_spec("psycopg") is None:
        raise ConfigError("a store in PostgreSQL needs psycopg: pip install 'edgespec[fleet]'")
    asked = {
        "connect_timeout": str(_CONNECT_S), "tcp_user_timeout": str(_SILENT_MS),
        "keepalives_idle": "10", "application_name": "edgespec fleet",
    }  # fmt: skip
    return url.set(drivername="postgresql+psycopg").update_query_dict({**asked, **url.query})


def shown_url(url: URL) -> str:
    """Return where a store is, without a password and without what was added."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
