"""The one writer of the history: many rows at a time, and on without a disk that refuses."""

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from edgespec.clock import ClockQuality
from edgespec.door import brief
from edgespec.history.opening import UnusableError, is_damage, open_to_write, set_aside
from edgespec.history.tables import TIMES, Row

__all__ = ["Store"]

_LOG = logging.getLogger(__name__)
_NS = 1_000_000_000
_DAY_S = 86_400.0
#: How long rows that nobody waits for may wait to be written together.
_PATIENCE_S = 600.0
_MOST_WAITING = 2000
_RETRY_S = 30.0
#: Of what is too much, so much goes at once, and levels first while there are so many.
_SHARE, _LEAST_LEVELS = 16, 1000


class Store:
    """Keeps rows until they are written, in the order in which they came.

    A database that is damaged or of a newer version is set aside, and a new one begun. Where the
    disk refuses, rows wait in memory, some thousand of them, and are written when it takes them
    again. Both are said once. All but the properties is for one thread.

    Args:
        path: of the database, which is made with the first rows.
        max_bytes: of it; the oldest levels go first.
        max_age_days: older rows go, once UTC is synchronised: a wrong clock forgets nothing.
        clock: seconds, of a clock that never steps.
        utc_ns: UTC.
        quality: how good UTC is.
    """

    def __init__(
        self,
        path: Path,
        max_bytes: int,
        max_age_days: float,
        clock: Callable[[], float] = time.monotonic,
        utc_ns: Callable[[], int] = time.time_ns,
        quality: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._max_age_ns = round(max_age_days * _DAY_S * _NS)
        self._clock, self._utc_ns, self._quality = clock, utc_ns, quality
        self._waiting: deque[Row] = deque()
        self._base: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._written_s, self._retry_s = clock(), float("-inf")
        self._aged_s = float("-inf")
        self._said_lost = False
        #: Why rows cannot be written now; '' where they can.
        self.problem = ""
        #: Rows that were given up: too many waited, or the database refused them.
        self.n_lost = 0

    @property
    def is_due(self) -> bool:
        """Whether what waits has waited long enough; cheap, and for any thread."""
        now_s = self._clock()
        since_s = self._retry_s - _PATIENCE_S if self.problem else self._written_s
        return bool(self._waiting) and now_s - since_s >= _PATIENCE_S

    def keep(self, rows: Sequence[Row], *, at_once: bool = False) -> None:
        """Take rows, and write all that wait where that is wanted ``at_once`` or due."""
        if not self._waiting and not self.problem:
            # Of what waits, nothing waits longer than that.
            self._written_s = self._clock()
        self._waiting += rows
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._lose("too many wait for the disk")
        if at_once or self.is_due or len(self._waiting) > _MOST_WAITING // 2:
            self.flush()

    def flush(self) -> None:
        """Write what waits, but for a while after the disk has refused."""
        if not self._waiting or (self.problem and self._clock() < self._retry_s):
            return
        try:
            try:
                self._write_out()
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                self._replace(UnusableError(str(error)))
                self._write_out()
        except (sqlite3.Error, OSError, UnusableError) as error:
            self._degrade(error)
            return
        if self.problem:
            _LOG.warning("the history is kept again in %s", self._path)
        self.problem = ""
        self._written_s = self._clock()

    def close(self) -> None:
        """Write what waits and let go of the database; a second call does nothing."""
        self._retry_s = float("-inf")
        self.flush()
        self._let_go()

    def _write_out(self) -> None:
        base = self._open()
        self._write(base)
        self._tidy(base)

    def _open(self) -> sqlite3.Connection:
        """Return the database; one that somebody has moved away is another one."""
        if self._base is not None and self._file == _file_of(self._path):
            return self._base
        self._let_go()
        try:
            self._base = open_to_write(self._path)
        except UnusableError as error:
            self._replace(error)
            self._base = open_to_write(self._path)
        self._file = _file_of(self._path)
        return self._base

    def _replace(self, reason: UnusableError) -> None:
        """Set the database aside; the next one is new.

        Raises:
            OSError: it cannot be renamed.
        """
        self._let_go()
        new = set_aside(self._path, reason.version)
        _LOG.warning(
            "the history %s cannot be used (%s): it is kept as %s, and a new one begins",
            *(self._path, brief(reason), new.name),
        )

    def _write(self, base: sqlite3.Connection) -> None:
        base.execute("BEGIN IMMEDIATE")
        try:
            refused = [row for row in self._waiting if not _is_written(base, row)]
            base.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                base.execute("ROLLBACK")
            raise
        self._waiting.clear()
        for row in refused:
            self._lose(f"the database refuses {brief(row[1], 60)}")

    def _tidy(self, base: sqlite3.Connection) -> None:
        """Forget what is too old, and the oldest of what is too much."""
        now_s = self._clock()
        if now_s - self._aged_s >= _DAY_S and self._quality() is ClockQuality.SYNCHRONISED:
            self._aged_s = now_s
            oldest_ns = self._utc_ns() - self._max_age_ns
            for table, when in TIMES.items():
                # Rows of a clock that was wrong go with those that came after them.
                _forget(base, table, f"SELECT max(number) FROM {table} WHERE {when} < ? AND "
                        "clock = 'synchronised'", oldest_ns)  # fmt: skip
        while _used_bytes(base) > self._max_bytes:
            counts = {table: _count(base, table) for table in TIMES}
            of_all = counts["levels"] <= _LEAST_LEVELS
            if of_all and not any(counts.values()):
                break
            for table, n in counts.items():
                if n and (of_all or table == "levels"):
                    _forget(base, table, f"SELECT min(number) + ? FROM {table}", n // _SHARE)
        if _pragma(base, "page_count") * _pragma(base, "page_size") > self._max_bytes:
            # It gives a page back with every step, and ``execute`` takes one.
            base.executescript("PRAGMA incremental_vacuum")

    def _lose(self, reason: str) -> None:
        self.n_lost += 1
        if not self._said_lost:
            self._said_lost = True
            _LOG.warning("some of the history is lost (%s)", reason)

    def _degrade(self, error: Exception) -> None:
        self._let_go()
        self._retry_s = self._clock() + _RETRY_S
        reason = getattr(error, "strerror", None) or brief(error)
        if not self.problem:
            _LOG.warning("the history cannot be kept in %s (%s): it waits", self._path, reason)
        self.problem = reason

    def _let_go(self) -> None:
        base, self._base, self._file = self._base, None, None
        if base is not None:
            with suppress(sqlite3.Error):
                base.close()


def _is_written(base: sqlite3.Connection, row: Row) -> bool:
    """Write a row; return whether it was none that no database would take."""
    try:
        base.execute(*row)
    except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, OverflowError,
            UnicodeError):  # fmt: skip
        return False
    return True


def _forget(base: sqlite3.Connection, table: str, upto: str, value: int) -> None:
    """Delete the rows up to the number that a statement finds, which may be none."""
    base.execute(f"DELETE FROM {table} WHERE number <= ({upto})", (value,))


def _count(base: sqlite3.Connection, table: str) -> int:
    return int(base.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _used_bytes(base: sqlite3.Connection) -> int:
    n_pages = _pragma(base, "page_count") - _pragma(base, "freelist_count")
    return n_pages * _pragma(base, "page_size")


def _pragma(base: sqlite3.Connection, name: str) -> int:
    return int(base.execute(f"PRAGMA {name}").fetchone()[0])


def _file_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
