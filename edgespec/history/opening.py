"""The file of the history: opened to write or to read, and set aside where it is damaged."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from edgespec.door import brief
from edgespec.errors import EdgespecError
from edgespec.history.tables import APPLICATION, CREATE, TIMES, VERSION
from edgespec.set_aside import name_aside

__all__ = ["UnusableError", "history_path", "is_damage", "open_to_write", "reading", "set_aside"]

_WAIT_S = 5.0
#: Pages that the write-ahead log has before they go into the file, and what it keeps of its length.
_LOG_PAGES, _LOG_BYTES = 256, 1 << 20
_CACHE_KBYTES = 512
#: With this, a commit is on the medium when it returns.
_SYNCHRONOUS = "FULL"


class UnusableError(Exception):
    """There is a file, but it is not a history that this version can go on with.

    ``version`` is that of a newer one, 0 where it is damaged or of somebody else.
    """

    def __init__(self, reason: str, version: int = 0) -> None:
        super().__init__(reason)
        self.version = version


def history_path(state_dir: Path) -> Path:
    """Return the file of an observer's history; beside it lie its log and its index."""
    return state_dir / "history.sqlite"


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is broken, not that the disk refuses or is full."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or (
        code == sqlite3.SQLITE_IOERR_SHORT_READ
    )


def open_to_write(path: Path) -> sqlite3.Connection:
    """Return the database, made where there is none, and read once from end to end.

    Every commit is on the medium when it returns.

    Raises:
        UnusableError: it is damaged, of another program, or of a newer version.
        OSError: its folder cannot be made.
        sqlite3.Error: the disk refuses, or another process does not let go of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    base = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
    base.text_factory = _text
    try:
        _settle(base)
    except sqlite3.Error as error:
        base.close()
        if is_damage(error):
            raise UnusableError(str(error)) from error
        raise
    except UnicodeDecodeError as error:
        # sqlite3 words an error with a name that is none.
        base.close()
        raise UnusableError("the names of its tables are damaged") from error
    except BaseException:
        base.close()
        raise
    return base


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Open the database to read, while an observer writes it or not; None where there is none.

    Raises:
        EdgespecError: there is one that cannot be read, then or in the block.
    """
    if not path.exists():
        yield None
        return
    try:
        with closing(_open_to_read(path)) as base:
            version = _pragma(base, "user_version")
            if version > VERSION:
                raise EdgespecError(
                    f"{path} is of version {version}, and this edgespec reads up to {VERSION}: "
                    "read it with the newer one, or move it away"
                )
            # A file that its observer is about to fill has no tables yet.
            yield base if _names(base) else None
    except (sqlite3.Error, UnicodeDecodeError) as error:
        advice = (
            "its observer sets it aside when it next starts, and begins a new one"
            if isinstance(error, UnicodeDecodeError) or is_damage(error)
            else "run this as the user of the observer, or try again"
        )
        raise EdgespecError(f"{path} cannot be read ({brief(error)}): {advice}") from error


def set_aside(path: Path, version: int = 0) -> Path:
    """Rename a file that cannot be gone on with, and its log; return the new name.

    Of damaged ones the last of three is replaced, one of a newer version never is.

    Raises:
        OSError: it cannot be renamed.
    """
    new = name_aside(path, version)
    for ending in ("-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        # What the log has is a part of the database; the index is made anew.
        if ending == "-wal" and beside.exists():
            beside.replace(new.with_name(new.name + ending))
        else:
            beside.unlink(missing_ok=True)
            new.with_name(new.name + ending).unlink(missing_ok=True)
    path.replace(new)
    return new


def _open_to_read(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=_WAIT_S, uri=True)
    try:
        _pragma(base, "user_version")
    except sqlite3.OperationalError:
        # Where this user may not write beside it, only a file without a log can be read.
        base.close()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        uri = f"{path.absolute().as_uri()}?immutable=1"
        base = sqlite3.connect(uri, timeout=_WAIT_S, uri=True)
    base.text_factory = _text
    return base


def _text(data: bytes) -> str:
    """Return a text; a damaged one is for whoever reads it to refuse."""
    return data.decode("utf-8", "replace")


def _settle(base: sqlite3.Connection) -> None:
    version, names = _pragma(base, "user_version"), _names(base)
    if not version and not names and not _pragma(base, "application_id"):
        # Both before there is a page.
        base.execute("PRAGMA auto_vacuum = INCREMENTAL")
        base.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    elif version > VERSION:
        raise UnusableError(
            f"it is of version {version}, and this edgespec knows {VERSION}", version
        )
    elif _pragma(base, "application_id") != APPLICATION or not names >= set(TIMES):
        raise UnusableError("it is no history of edgespec")
    base.execute(f"PRAGMA cache_size = -{_CACHE_KBYTES}")
    base.execute("PRAGMA journal_mode = WAL").fetchall()
    base.execute(f"PRAGMA synchronous = {_SYNCHRONOUS}")
    base.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    base.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    if not names:
        _create(base)
        return
    said = str(base.execute("PRAGMA quick_check(1)").fetchone()[0])
    if said != "ok":
        raise UnusableError(brief(said))


def _create(base: sqlite3.Connection) -> None:
    """Make the tables, all or none of them."""
    base.execute("BEGIN IMMEDIATE")
    try:
        if not _names(base):
            for statement in CREATE:
                base.execute(statement)
            base.execute(f"PRAGMA application_id = {APPLICATION}")
            base.execute(f"PRAGMA user_version = {VERSION}")
        base.execute("COMMIT")
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            base.execute("ROLLBACK")
        raise


def _names(base: sqlite3.Connection) -> set[str]:
    found = base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(name) for (name,) in found if not str(name).startswith("sqlite_")}


def _pragma(base: sqlite3.Connection, name: str) -> int:
    return int(base.execute(f"PRAGMA {name}").fetchone()[0])
