"""The store of a fleet: opened, brought up to this version, written by one program."""

import hashlib
import logging
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from edgespec.door import brief
from edgespec.errors import ConfigError, EdgespecError
from edgespec.fleet.place import shown_url
from edgespec.fleet.tables import (
    ABOUT,
    BY_NAME,
    LASTING,
    MIGRATIONS,
    TABLES,
    VERSION,
    Row,
    Rule,
    rule_of,
)
from edgespec.lock import hold_file
from edgespec.mqtt.backoff import QuietLog

__all__ = ["FleetStore", "StoreAwayError", "reading"]

_LOG = logging.getLogger(__name__)
_WAIT_S = 5.0
#: A commit is on the medium when it returns: what the broker was told to forget is kept.
_SYNCHRONOUS = "FULL"
_CACHE_KBYTES, _LOG_BYTES = 2048, 1 << 22
_LOCKED = "another edgespec fleet writes there: stop it, or give this one a --store of its own"


class StoreAwayError(EdgespecError):
    """The database cannot be used now; it may come back."""


class FleetStore:
    """Writes rows, each at most once however often it comes. For one thread.

    Args:
        url: of the database, by :func:`~edgespec.fleet.place.store_url`.
        brokers: names of those whose messages are written: another writer has others, and SQLite
            has one writer.
    """

    def __init__(self, url: URL, brokers: Collection[str] = ("",)) -> None:
        self._url, self._brokers = url, sorted(brokers)
        self._engine = make_engine(url)
        self._connection: Connection | None = None
        self._lock: IO[bytes] | None = None
        self._say = QuietLog(_LOG)
        self._file: tuple[int, int] | None = None

    @property
    def path(self) -> Path | None:
        """The file of a store of SQLite."""
        return _path_of(self._url)

    def open(self) -> None:
        """Connect, make the tables where there are none, bring them up to this version.

        Raises:
            StoreAwayError: it cannot be reached now.
            ConfigError: it is of a newer version, of another program, or another one writes there.
        """
        if self._connection is not None and self._file == _file_of(self.path):
            return
        self.close()
        shown = shown_url(self._url)
        try:
            if self.path is not None:
                if self.path.is_dir():
                    raise ConfigError(f"the store {shown} is a folder: name a file in it")
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._engine.connect()
            with self._connection.begin():
                # Before anything is written, were it a word in its head.
                _check_free(self._connection, shown)
            self._claim(self._connection)
            if self.path is not None:
                _prepare(self._connection)
            with self._connection.begin():
                _settle(self._connection, shown)
            self._file = _file_of(self.path)
        except OSError as error:
            self.close()
            raise StoreAwayError(f"{shown}: {error.strerror or brief(error)}") from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            self.close()
            if _is_no_database(error):
                raise ConfigError(
                    f"the store {shown} is no database of SQLite: name another, or move it away"
                ) from error
            raise StoreAwayError(f"{shown}: {_reason(error)}") from error
        except BaseException:
            self.close()
            raise

    def write(self, rows: Sequence[Row]) -> list[Row]:
        """Write rows, all or none; return those that no database takes, which are left out.

        Raises:
            StoreAwayError: the database cannot be used now, and nothing was written.
            ConfigError: as :meth:`open`.
        """
        self.open()
        assert self._connection is not None
        refused: list[Row] = []
        try:
            with self._connection.begin():
                for group in _groups(rows):
                    refused += self._write_group(self._connection, group)
        except (SQLAlchemyError, OSError) as error:
            self.close()
            raise StoreAwayError(_reason(error)) from error
        return refused

    def forget(self, before_ns: int) -> int:
        """Delete what was heard before a time; return how much that was.

        Raises:
            StoreAwayError: the database cannot be used now.
        """
        self.open()
        assert self._connection is not None
        n = 0
        try:
            with self._connection.begin():
                for table in LASTING:
                    old = table.c.heard_ns < before_ns
                    n += self._connection.execute(table.delete().where(old)).rowcount
            if n and self.path is not None:
                with self._engine.connect() as free:
                    # It gives a page back with every step, and ``execute`` takes one.
                    free.connection.driver_connection.executescript(  # type: ignore[union-attr]
                        "PRAGMA incremental_vacuum"
                    )
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            self.close()
            raise StoreAwayError(_reason(error)) from error
        return n

    def close(self) -> None:
        """Let go of the database; a second call does nothing."""
        connection, self._connection, self._file = self._connection, None, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def _claim(self, connection: Connection) -> None:
        """See that nobody else writes what is written here; it ends with the connection."""
        path = self.path
        if path is not None:
            self._lock = hold_file(path.with_name(f"{path.name}.writer"))
            if self._lock is None:
                raise ConfigError(f"the store {path} cannot be written: {_LOCKED}")
            return
        for name in self._brokers:
            number = hashlib.sha256(f"edgespec fleet {name}".encode()).digest()[:8]
            key = int.from_bytes(number, "big", signed=True)
            with connection.begin():
                asked = text("SELECT pg_try_advisory_lock(:key)")
                # The connection before may have been cut a moment ago, and its lock is not gone.
                until_s = time.monotonic() + _WAIT_S
                while not connection.execute(asked, {"key": key}).scalar():
                    if time.monotonic() > until_s:
                        raise ConfigError(
                            f"what broker {name!r} says cannot be written to "
                            f"{shown_url(self._url)}: {_LOCKED}"
                        )
                    time.sleep(0.2)

    def _write_group(self, connection: Connection, rows: list[Row]) -> list[Row]:
        """Write rows of one table with the same columns; return those that cannot be written."""
        statement = _upsert(connection, rows[0])
        try:
            with connection.begin_nested():
                connection.execute(statement, [row.values for row in rows])
        except (IntegrityError, DataError, UnicodeError, OverflowError) as error:
            if len(rows) == 1:
                self._say(logging.WARNING, f"the store refuses a row of {rows[0].table}: "
                          f"{_reason(error)}")  # fmt: skip
                return rows
            half = len(rows) // 2
            parts = rows[:half], rows[half:]
            return [one for part in parts for one in self._write_group(connection, part)]
        return []


def make_engine(url: URL) -> Engine:
    """Return an engine whose connections are nobody else's."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool)
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _WAIT_S})

    @event.listens_for(engine, "connect")
    def settle(base: Any, record: object) -> None:
        # Python's driver begins nothing before what makes tables, and a savepoint alone commits.
        base.isolation_level = None
        # None of these changes the file, which may be of another program.
        for pragma in (
            f"synchronous = {_SYNCHRONOUS}", f"cache_size = -{_CACHE_KBYTES}",
            f"journal_size_limit = {_LOG_BYTES}",
        ):  # fmt: skip
            base.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


@contextmanager
def reading(url: URL) -> Iterator[Connection]:
    """Yield a connection to a store that is there, beside whoever writes.

    Raises:
        ConfigError: there is none, or it is of another version or program.
        EdgespecError: it cannot be read.
    """
    shown, path = shown_url(url), _path_of(url)
    if path is not None and not path.exists():
        raise ConfigError(
            f"there is no store {shown}: edgespec fleet run makes one, --store names another"
        )
    engine = make_engine(url if path is None else _for_reading(url, path))
    try:
        with engine.connect() as connection:
            version = _version(connection)
            if version is None:
                raise ConfigError(f"{shown} is no store of a fleet: edgespec fleet run makes one")
            _check_version(version, shown)
            if version < VERSION:
                raise ConfigError(
                    f"the store {shown} is of version {version}, and this edgespec reads "
                    f"{VERSION}: edgespec fleet run brings it up"
                )
            yield connection
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise EdgespecError(
            f"the store {shown} cannot be read ({_reason(error)}): see whether it is there, and "
            "whether this user may read it"
        ) from error
    finally:
        engine.dispose()


def _for_reading(url: URL, path: Path) -> URL:
    """Return the URL of a file for who may not make the log beside it: it does not change then."""
    if os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists():
        return url
    still = {"immutable": "1", "uri": "true"}
    return url.set(database=f"file:{quote(str(path.absolute()))}", query=still)


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Return rows of one table with the same columns together, in their order."""
    found: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[row.table, row.is_old, *row.values].append(row)
    return list(found.values())


def _upsert(connection: Connection, like: Row) -> Any:
    """Return the statement that writes rows like one, by the rule of their table."""
    table = BY_NAME[like.table]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key.columns]
    rule = rule_of(table)
    changed = {
        name: statement.excluded[name]
        for name in like.values
        if name not in keys and name != "first_ns"
    }
    if rule is Rule.FIRST or not changed:
        return statement.on_conflict_do_nothing(index_elements=keys)
    where = None
    if rule is Rule.SEQUENCE:
        where = statement.excluded.sequence > table.c.sequence
    elif like.is_old and "heard_ns" in changed:
        where = statement.excluded.heard_ns > table.c.heard_ns
    return statement.on_conflict_do_update(index_elements=keys, set_=changed, where=where)


def _check_free(connection: Connection, shown: str) -> None:
    """Refuse what another program keeps: a file is one program's, a server's database is shared."""
    if _version(connection) is not None:
        return
    names = set(connection.dialect.get_table_names(connection))
    if names if connection.dialect.name == "sqlite" else names & set(BY_NAME):
        raise ConfigError(
            f"the store {shown} has tables of another program: name another, or move it away"
        )


def _prepare(connection: Connection) -> None:
    """Set what a file of SQLite keeps; the first of it before it has tables."""
    base: Any = connection.connection.driver_connection
    for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = WAL"):
        base.execute(f"PRAGMA {pragma}").fetchall()


def _settle(connection: Connection, shown: str) -> None:
    """Make the tables, or bring them up to this version."""
    version = _version(connection)
    if version is None:
        for table in TABLES:
            table.create(connection)
        _set_version(connection, VERSION)
        return
    _check_version(version, shown)
    while version < VERSION:
        for statement in MIGRATIONS[version]:
            connection.execute(text(statement))
        version += 1
        _set_version(connection, version)
        _LOG.info("the store %s is of version %d now", shown, version)


def _version(connection: Connection) -> int | None:
    """Return the version of a store; None where it is none yet."""
    if not connection.dialect.has_table(connection, ABOUT.name):
        return None
    columns = connection.dialect.get_columns(connection, ABOUT.name)
    if {column["name"] for column in columns} != {column.name for column in ABOUT.columns}:
        return None
    found = connection.execute(ABOUT.select().where(ABOUT.c.name == "edgespec.fleet")).one_or_none()
    return int(found.value) if found is not None and found.value.isdecimal() else None


def _set_version(connection: Connection, version: int) -> None:
    connection.execute(ABOUT.delete().where(ABOUT.c.name == "edgespec.fleet"))
    connection.execute(ABOUT.insert(), {"name": "edgespec.fleet", "value": str(version)})


def _check_version(version: int, shown: str) -> None:
    if version > VERSION:
        raise ConfigError(
            f"the store {shown} is of version {version}, and this edgespec knows {VERSION}: update "
            "edgespec, or name another with --store"
        )


def _path_of(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite"
    return Path(str(url.database)) if is_file else None


def _file_of(path: Path | None) -> tuple[int, int] | None:
    """Return which file a store is: one that somebody has moved away is another one."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_no_database(error: Exception) -> bool:
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_NOTADB


def _reason(error: BaseException) -> str:
    """Return what a database says, without the statement and its values."""
    return brief(getattr(error, "orig", None) or error, 160)
