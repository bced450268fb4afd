"""Reports that differ from the last of their unit by time and levels only: taken many at a time.

Nearly all do that travel as :mod:`edgespec.wire.rss_binary`. What has been looked at once, field by
field, need only be the same bytes again, so a site's reports are compared, read and sorted into
their snapshot in one kernel. Whatever is not as it was is left to who looks at each field.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import exact, kernel
from edgespec.twin.level_kind import MEASURED, MISSING
from edgespec.wire.rss_binary import LENGTH_AT, LEVELS_AT, TIME_AT, TIME_BYTES

__all__ = ["LEFT", "Alike", "paced"]

ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.int64]

#: In place of a snapshot's number: somebody has to look at the report.
LEFT = -1
#: In place of one, of a snapshot that is not there.
_NO_INDEX = -2

_NS_PER_US = 1000
_TWO_BYTES = 1 << 16
#: Levels are hundredths of a dB.
_PER_DB = 100.0


class Alike:
    """Knows how the reports of each unit look, and takes those that look so.

    ``paces`` int64 ``(n_units, 2)`` are the end of the newest report of each unit in ns since 1970,
    and the number of its snapshot; below 0 while there is none.

    Args:
        n_units: of the site.
        n_subbands: of the site.
        interval_ns: length of a snapshot.
        lowest_db: no level of a report that is taken is lower.
        highest_db: nor higher.
    """

    def __init__(
        self,
        n_units: int,
        n_subbands: int,
        interval_ns: int,
        lowest_db: float,
        highest_db: float,
    ) -> None:
        self.paces = np.full((n_units, 2), -1, np.int64)
        self._n_subbands = n_subbands
        self._interval_ns = interval_ns
        self._lowest, self._highest = round(_PER_DB * lowest_db), round(_PER_DB * highest_db)
        self._is_known = np.zeros(n_units, np.bool_)
        self._looks = np.zeros((n_units, LEVELS_AT + 2 * n_subbands), np.uint8)

    def know(self, unit: int, data: bytes) -> None:
        """Remember how a report of a unit looks; it was taken, and the next may be as it is."""
        if len(data) != self._looks.shape[1]:
            if self._is_known.any() or len(data) < LEVELS_AT + 2 * self._n_subbands:
                return
            # The name of the band is of the same length in all reports of a site.
            self._looks = np.zeros((len(self._is_known), len(data)), np.uint8)
        self._looks[unit] = np.frombuffer(data, np.uint8)
        self._is_known[unit] = True

    def doubt(self, unit: int) -> None:
        """Forget how the reports of a unit look: it reports otherwise."""
        self._is_known[unit] = False

    def joined(self, data: Sequence[bytes]) -> ByteArray | None:
        """Return reports as one array ``(n, n_bytes)``; None where they are not of one length."""
        n_bytes = self._looks.shape[1]
        if any(len(one) != n_bytes for one in data):
            return None
        return np.frombuffer(b"".join(data), np.uint8).reshape(len(data), n_bytes)

    def take(
        self,
        units: IntArray,
        data: ByteArray,
        first: int,
        latest_ns: int,
        index: int | None,
        level_db: NDArray[np.float64],
        kind: ByteArray,
    ) -> tuple[int, int]:
        """Take reports into a snapshot, as many as belong to it and look as usual.

        Args:
            units: ``(n,)``: of each report.
            data: of :meth:`joined`.
            first: report to begin with.
            latest_ns: no report may end later.
            index: number of the snapshot; None: none is there.
            level_db: ``(n_units, n_subbands)`` of the snapshot, written.
            kind: ``(n_units,)`` of the snapshot, written.

        Returns:
            The first report that was not taken, and the number of its snapshot: another one, or
            ``LEFT``.
        """
        return _take(
            units,
            data,
            first,
            latest_ns // _NS_PER_US,
            self._interval_ns,
            self._lowest,
            self._highest,
            _NO_INDEX if index is None else index,
            self._is_known,
            self._looks,
            self.paces,
            level_db,
            kind,
        )


def paced(utc_ns: int, last_ns: int, last: int, interval_ns: int) -> int:
    """Return the snapshot of a report by its unit's pace, or else by its end.

    ``last_ns`` and ``last`` are end and snapshot of the report before.
    """
    number = last + (2 * (utc_ns - last_ns) + interval_ns) // (2 * interval_ns)
    # No further than half an interval from where it belongs.
    if abs(2 * utc_ns - (2 * number + 1) * interval_ns) <= 2 * interval_ns:
        return number
    return (utc_ns - 1) // interval_ns


_paced = exact(paced)


@exact
def _level(row: ByteArray, k: int) -> np.int64:
    """Return a level as it travels."""
    at = LEVELS_AT + 2 * k
    level = 256 * np.int64(row[at]) + np.int64(row[at + 1])
    return np.int64(level - _TWO_BYTES if level >= _TWO_BYTES // 2 else level)


@exact
def _db(hundredths: np.int64) -> np.float64:
    # To the last bit as whoever looks at each field reads it.
    return np.float64(hundredths / _PER_DB)


@kernel
def _take(
    units: IntArray,
    data: ByteArray,
    first: int,
    latest_us: int,
    interval_ns: int,
    lowest: int,
    highest: int,
    index: int,
    is_known: NDArray[np.bool_],
    looks: ByteArray,
    paces: IntArray,
    level_db: NDArray[np.float64],
    kind: ByteArray,
) -> tuple[int, int]:
    n_subbands = level_db.shape[1]
    for i in range(first, len(units)):
        u = units[i]
        row, look = data[i], looks[u]
        is_alike = is_known[u]
        for at in range(TIME_AT):
            is_alike &= row[at] == look[at]
        for at in range(LENGTH_AT, LEVELS_AT):
            is_alike &= row[at] == look[at]
        for at in range(LEVELS_AT + 2 * n_subbands, len(row)):
            is_alike &= row[at] == look[at]
        for k in range(n_subbands):
            is_alike &= lowest <= _level(row, k) <= highest
        utc_us = np.int64(0)
        for at in range(TIME_AT, TIME_AT + TIME_BYTES):
            utc_us = (utc_us << 8) | np.int64(row[at])
        if not is_alike or not 0 < utc_us <= latest_us:
            return i, LEFT
        utc_ns, last_ns = int(utc_us * _NS_PER_US), int(paces[u, 0])
        # Too near to the one before, it contradicts it.
        if last_ns < 0 or 2 * (utc_ns - last_ns) <= interval_ns:
            return i, LEFT
        own = _paced(utc_ns, last_ns, int(paces[u, 1]), interval_ns)
        if own != index:
            return i, own
        if kind[u] != MISSING:
            return i, LEFT
        for k in range(n_subbands):
            level_db[u, k] = _db(_level(row, k))
        kind[u] = MEASURED
        paces[u, 0], paces[u, 1] = utc_ns, index
    return len(units), index
