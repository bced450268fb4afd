"""Rows that the database could not take yet: on the medium, in the order in which they came.

Files of JSON lines, the oldest read first. A file goes when all of it is in the database; what was
written of it before a crash is written again, which changes nothing. A last line that a power cut
has torn was never confirmed to the broker, which sends it again.
"""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from edgespec.fleet.tables import BY_NAME, Row
from edgespec.newfile import sync_folder, write_all

__all__ = ["FullError", "RowSpool"]

_LOG = logging.getLogger(__name__)
#: A file is not longer, so that what the database has again leaves room soon.
_FILE_BYTES = 4 << 20


class FullError(OSError):
    """There is as much as may be."""


class RowSpool:
    """Keeps rows until the database has them. For one thread.

    Args:
        folder: of the files, made with the first row.
        max_bytes: of all files.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        paths = sorted(path for path in folder.glob("*.jsonl") if path.stem.isdecimal())
        self._sizes = {path: path.stat().st_size for path in paths}
        #: The file that is written; what an earlier program left is not gone on with.
        self._current: Path | None = None

    @property
    def n_bytes(self) -> int:
        """How much waits."""
        return sum(self._sizes.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._sizes

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows; when it returns they are on the medium.

        Raises:
            FullError: there is no room for them by ``max_bytes``.
            OSError: the disk refuses.
        """
        if not rows:
            return
        data = b"".join(_line(row) for row in rows)
        if self.n_bytes + len(data) > self._max_bytes:
            raise FullError(f"{self.n_bytes} bytes wait, and no more than {self._max_bytes} may")
        if self._current is None or self._sizes[self._current] >= _FILE_BYTES:
            self._folder.mkdir(parents=True, exist_ok=True)
            last = max((int(path.stem) for path in self._sizes), default=0)
            self._current = self._folder / f"{last + 1:08}.jsonl"
            self._sizes[self._current] = 0
        file = os.open(self._current, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Less, where somebody has taken the file away: a hole would spoil the next row.
            size = min(self._sizes[self._current], os.fstat(file).st_size)
            os.ftruncate(file, size)
            os.lseek(file, size, os.SEEK_SET)
            write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        if not size:
            sync_folder(self._folder)
        self._sizes[self._current] = size + len(data)

    def oldest(self, n_rows: int) -> Iterator[list[Row]]:
        """Yield the rows of the oldest file, some at a time; :meth:`drop` it behind the last."""
        path = next(iter(self._sizes))
        try:
            file = path.open("rb")
        except FileNotFoundError:
            _LOG.warning("what waited in %s for the store was taken away by somebody", path)
            return
        with file:
            rows = (row for line in file if (row := _row(line)) is not None)
            while found := [*islice(rows, n_rows)]:
                yield found

    def drop(self) -> None:
        """Forget the oldest file, whose rows are in the database."""
        path = next(iter(self._sizes))
        path.unlink(missing_ok=True)
        del self._sizes[path]
        if path == self._current:
            self._current = None


def _line(row: Row) -> bytes:
    return json.dumps([row.table, row.values], separators=(",", ":")).encode() + b"\n"


def _row(line: bytes) -> Row | None:
    """Return the row of a line; None for one that is torn, or that this version does not know."""
    try:
        name, values = json.loads(line)
        known = BY_NAME[name].columns
        keys = [column.name for column in BY_NAME[name].primary_key.columns]
        if set(keys) <= set(values) <= set(known.keys()):
            return Row(name, values)
    except (ValueError, KeyError, TypeError):
        pass
    return None
