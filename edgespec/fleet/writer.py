"""The one who writes: many rows at a time, and on without a database.

What the broker gave for good (QoS 1) is confirmed to it when it is in the database, or on this
machine's disk while there is none; until then the broker keeps it. Everything else, such as how an
observer is now, is replaced by the next of its kind and waits in memory, one row each.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from threading import Condition, Thread

from edgespec.errors import ConfigError
from edgespec.fleet.spool import RowSpool
from edgespec.fleet.store import FleetStore, StoreAwayError
from edgespec.fleet.tables import Row
from edgespec.mqtt.backoff import Backoff, QuietLog

__all__ = ["FleetWriter"]

_LOG = logging.getLogger(__name__)
#: Rows at once; those that nobody waits for wait so long, and fewer of them are written at once.
_MOST_ROWS, _MOST_PASSING, _PATIENCE_S = 2000, 500, 10.0
_FIRST_RETRY_S, _MOST_RETRY_S = 0.5, 10.0
#: After what neither database nor disk took.
_PAUSE_S = 0.5
_AGE_EVERY_S = 3600.0
_NS = 1_000_000_000


class FleetWriter:
    """Takes rows from any thread, and writes them in one of its own.

    Args:
        store: where to; from now on it belongs to the writer.
        spool: for while it is away; it belongs to the writer, too.
        keep_s: what was heard longer ago is forgotten; None: nothing is.
        utc_ns: UTC.
        is_synchronised: whether UTC can be relied on: a wrong clock forgets nothing.

    Attributes:
        problem: why the database cannot be written now; '' where it can.
        n_written: rows that it took.
        n_refused: rows that no database takes.
    """

    def __init__(
        self,
        store: FleetStore,
        spool: RowSpool,
        keep_s: float | None = None,
        utc_ns: Callable[[], int] = time.time_ns,
        is_synchronised: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store, self._spool = store, spool
        self._keep_s, self._utc_ns, self._is_synchronised = keep_s, utc_ns, is_synchronised
        self._lasting: deque[tuple[Sequence[Row], Callable[[], None]]] = deque()
        self._passing: dict[tuple[object, ...], Row] = {}
        self._changed = Condition()
        self._is_ending = False
        self._backoff = Backoff(_FIRST_RETRY_S, _MOST_RETRY_S)
        self._retry_s = self._aged_s = float("-inf")
        self._due_s = time.monotonic() + _PATIENCE_S
        self._say = QuietLog(_LOG)
        self.problem = ""
        self.n_written = self.n_refused = 0
        self._thread = Thread(target=self._run, name="fleet-writer", daemon=True)

    @property
    def n_waiting_bytes(self) -> int:
        """What waits on the disk for the database."""
        return self._spool.n_bytes

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, rows: Sequence[Row], confirm: Callable[[], None] | None = None) -> None:
        """Take rows; ``confirm`` is called, in the writer's thread, once they are kept for good."""
        lasting = [row for row in rows if not row.is_passing]
        with self._changed:
            for row in rows:
                if row.is_passing:
                    self._merge(row)
            if lasting or confirm is not None:
                self._lasting.append((lasting, confirm or _nothing))
                self._changed.notify()

    def close(self, within_s: float = 30.0) -> None:
        """Write what waits, some seconds at most, and let go of the database."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(within_s)
        else:
            self._store.close()

    def _merge(self, row: Row) -> None:
        """Put a row in the place of the one that waits; what it does not say stays."""
        before = self._passing.get(row.key)
        if before is None:
            self._passing[row.key] = row
        elif row.is_old and not before.is_old:
            self._passing[row.key] = _joined(row, before)
        else:
            self._passing[row.key] = _joined(before, row)

    def _merge_earlier(self, row: Row) -> None:
        """Put a row behind the one that waits."""
        after = self._passing.get(row.key)
        self._passing[row.key] = row if after is None else _joined(row, after)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            with self._changed:
                while not self._is_due(time.monotonic()):
                    self._changed.wait(_PAUSE_S)
                is_few = len(self._lasting) <= _MOST_ROWS and len(self._passing) <= _MOST_PASSING
                is_last = self._is_ending and is_few
                n = min(_MOST_ROWS, len(self._lasting))
                lasting = [self._lasting.popleft() for _ in range(n)]
                passing = self._take_passing(time.monotonic())
            try:
                is_kept = self._keep(lasting, passing, is_asked=self._is_ending)
            except Exception as error:
                # Whatever it is, the thread must outlive it: nobody else writes.
                is_kept = False
                self._say(logging.ERROR, f"rows cannot be written: {error!r:.200}", exc_info=True)
            try:
                # By itself: what was confirmed must not be confirmed again.
                self._age()
            except Exception as error:
                self._say(logging.ERROR, f"nothing is forgotten: {error!r:.200}", exc_info=True)
            with self._changed:
                for row in passing.values():
                    self._merge_earlier(row)
                if not is_kept:
                    self._lasting.extendleft(reversed(lasting))
                    self._changed.wait(_PAUSE_S)
        self._store.close()

    def _is_due(self, now_s: float) -> bool:
        is_back = not self._spool.is_empty and now_s >= self._retry_s
        is_late = bool(self._passing) and now_s >= max(self._due_s, self._retry_s)
        return bool(self._lasting) or self._is_ending or is_back or is_late

    def _take_passing(self, now_s: float) -> dict[tuple[object, ...], Row]:
        """Take some of what is passing, where it is time: not so much that an event waits."""
        if not self._is_ending and now_s < max(self._due_s, self._retry_s):
            return {}
        keys = [*islice(self._passing, _MOST_PASSING)]
        found = {key: self._passing.pop(key) for key in keys}
        if not self._passing:
            self._due_s = now_s + _PATIENCE_S
        return found

    def _keep(
        self,
        lasting: list[tuple[Sequence[Row], Callable[[], None]]],
        passing: dict[tuple[object, ...], Row],
        *,
        is_asked: bool,
    ) -> bool:
        """Return whether all that is to last is kept for good, in the database or beside it.

        What is written of the passing goes from there.
        """
        rows = [row for some, _ in lasting for row in some]
        is_asked |= time.monotonic() >= self._retry_s
        if is_asked and not self._spool.is_empty:
            # First, since there may be no room behind it.
            is_asked = self._drain()
        if is_asked and self._spool.is_empty and self._wrote([*rows, *passing.values()]):
            passing.clear()
        elif not self._spooled(rows):
            return False
        for _, confirm in lasting:
            confirm()
        return True

    def _wrote(self, rows: list[Row]) -> bool:
        try:
            self.n_refused += len(self._store.write(rows))
        except (StoreAwayError, ConfigError) as error:
            self._away(error)
            return False
        self.n_written += len(rows)
        self._backoff.reset()
        if self.problem:
            _LOG.warning("the store is written again")
        self.problem = ""
        return True

    def _away(self, error: Exception) -> None:
        self._retry_s = time.monotonic() + self._backoff.next_s()
        if not self.problem:
            _LOG.warning("the store is away (%s): what comes waits on this disk", error)
        self.problem = str(error)

    def _spooled(self, rows: list[Row]) -> bool:
        try:
            self._spool.add(rows)
        except OSError as error:
            reason = error.strerror or error
            self._say(logging.ERROR, f"what waits for the store cannot be kept on this disk "
                      f"({reason}): the broker keeps what comes, as long as it can")  # fmt: skip
            return False
        return True

    def _drain(self) -> bool:
        """Write the oldest file of what waits; return whether the database took it."""
        for rows in self._spool.oldest(_MOST_ROWS):
            if not self._wrote(rows):
                return False
        self._spool.drop()
        return True

    def _age(self) -> None:
        now_s = time.monotonic()
        if self._keep_s is None or self.problem or now_s - self._aged_s < _AGE_EVERY_S:
            return
        if self._is_synchronised():
            self._aged_s = now_s
            try:
                n = self._store.forget(self._utc_ns() - round(self._keep_s * _NS))
            except (StoreAwayError, ConfigError) as error:
                self._away(error)
                return
            if n:
                _LOG.info("%d rows were too old and are gone", n)


def _joined(earlier: Row, later: Row) -> Row:
    """Return what two rows say together: the later one, but since when something is known."""
    first = {name: earlier.values[name] for name in ("first_ns",) if name in earlier.values}
    return replace(later, values={**earlier.values, **later.values, **first})


def _nothing() -> None:
    pass
