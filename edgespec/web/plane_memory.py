"""The newest rows of a plane in memory that two processes share: one writes, many read.

The writer never waits. Every row has a number and a checksum over both number and values, so what
is read while it is written, or before all of it has reached another processor, counts as nothing.
"""

import struct
import zlib
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.web.axes import MOST_COLUMNS, Axes

__all__ = ["N_ROWS", "PLANE_BYTES", "Batch", "BinLevels", "PlaneMemory", "PlaneReader"]

#: Rows that are kept: four seconds of them.
N_ROWS = 256
#: Rows before the oldest that may be overwritten while they are read.
_MARGIN = 8
_HEAD = struct.Struct("<qqdqI")
_ABOUT = np.dtype(
    [
        ("number", "<i8"),
        ("n_columns", "<i8"),
        ("lower_hz", "<f8"),
        ("upper_hz", "<f8"),
        ("db_min", "<f8"),
        ("db_step", "<f8"),
        ("row_s", "<f8"),
        ("levels_number", "<i8"),
        ("has_threshold", "<i8"),
        ("reference_db", "<f4", (MOST_COLUMNS,)),
        ("threshold_db", "<f4", (MOST_COLUMNS,)),
    ]
)
_N_NUMBERS = 5
_WORD = 8
_SLOT_BYTES = _N_NUMBERS * _WORD + MOST_COLUMNS
_ABOUT_AT = 2 * _WORD
_SLOTS_AT = _ABOUT_AT + _ABOUT.itemsize
PLANE_BYTES = _SLOTS_AT + N_ROWS * _SLOT_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class BinLevels:
    """What is normal in each column, and from which level on it alone would be an alarm, in dB.

    float32 ``(n_columns,)``; a column of which nothing is known is not finite. There is no
    ``threshold_db`` where the detector does not look at single columns. ``number`` grows with every
    change.
    """

    reference_db: FloatArray
    threshold_db: FloatArray | None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that follow each other: ``values`` uint8 of ``n_rows`` by ``axes.n_columns``.

    ``first`` is the number of the first row in the stream, ``utc_s`` when it began.
    """

    axes: Axes
    first: int
    utc_s: float
    n_rows: int
    values: bytes


class _Views:
    """Arrays that lie in the memory of a plane."""

    def __init__(self, memory: memoryview) -> None:
        words = np.frombuffer(memory[:_ABOUT_AT], np.int64)
        self.n_written, self.about_sum = words[:1], words[1:]
        self.about = np.frombuffer(memory[_ABOUT_AT:_SLOTS_AT], _ABOUT)
        self.about_bytes = np.frombuffer(memory[_ABOUT_AT:_SLOTS_AT], np.uint8)
        numbers = np.frombuffer(
            memory[_SLOTS_AT : _SLOTS_AT + N_ROWS * _N_NUMBERS * _WORD], np.int64
        ).reshape(_N_NUMBERS, N_ROWS)
        self.sequence, self.row, utc, self.axes, self.packed = numbers
        self.utc_s = utc.view(np.float64)
        self.values = np.frombuffer(
            memory[_SLOTS_AT + N_ROWS * _N_NUMBERS * _WORD : PLANE_BYTES], np.uint8
        ).reshape(N_ROWS, MOST_COLUMNS)


class PlaneMemory:
    """What the writer does.

    Args:
        memory: ``PLANE_BYTES`` of zeros, shared with readers.
    """

    def __init__(self, memory: memoryview) -> None:
        self._views = _Views(memory)
        self._n_written = 0
        self._axes = 0
        self._levels = count(1)

    def tell(self, axes: Axes) -> None:
        """Say what the rows from now on are like; nothing is known of their levels yet."""
        about = self._views.about
        for name in ("number", "n_columns", "lower_hz", "upper_hz", "db_min", "db_step", "row_s"):
            about[name] = getattr(axes, name)
        about["levels_number"] = 0
        self._axes = axes.number
        self._seal()

    def tell_levels(self, levels: BinLevels) -> None:
        """Say what is normal in the columns of these rows."""
        about, threshold_db = self._views.about, levels.threshold_db
        about["reference_db"][0, : len(levels.reference_db)] = levels.reference_db
        about["has_threshold"] = int(threshold_db is not None)
        if threshold_db is not None:
            about["threshold_db"][0, : len(threshold_db)] = threshold_db
        about["levels_number"] = next(self._levels)
        self._seal()

    def put(self, row: int, utc_s: float, values: NDArray[np.uint8]) -> None:
        """Write the next row, in the place of the oldest."""
        views, sequence = self._views, self._n_written + 1
        at, n = sequence % N_ROWS, len(values)
        views.sequence[at] = 0
        views.values[at, :n] = values
        views.row[at], views.utc_s[at], views.axes[at] = row, utc_s, self._axes
        checksum = zlib.crc32(
            values.data, zlib.crc32(_HEAD.pack(sequence, row, utc_s, self._axes, n))
        )
        views.packed[at] = (n << 32) | checksum
        views.sequence[at] = sequence
        self._n_written = views.n_written[0] = sequence

    def _seal(self) -> None:
        self._views.about_sum[0] = zlib.crc32(self._views.about_bytes.data)


class PlaneReader:
    """What a reader does: it begins with the next row that is written.

    Args:
        memory: that of the writer.
    """

    def __init__(self, memory: memoryview) -> None:
        self._views = _Views(memory)
        self._next = int(self._views.n_written[0]) + 1
        self._axes: Axes | None = None

    def about(self) -> tuple[Axes, BinLevels | None] | None:
        """Return what rows are like now; None before there was one, and while it is written."""
        content = self._views.about_bytes.tobytes()
        if zlib.crc32(content) != int(self._views.about_sum[0]):
            return None
        one = np.frombuffer(content, _ABOUT)[0]
        n = int(one["n_columns"])
        if not 0 < n <= MOST_COLUMNS:
            return None
        axes = Axes(
            int(one["number"]),
            n,
            *(float(one[name]) for name in ("lower_hz", "upper_hz", "db_min", "db_step", "row_s")),
        )
        levels = None
        if one["levels_number"]:
            threshold_db = one["threshold_db"][:n] if one["has_threshold"] else None
            levels = BinLevels(one["reference_db"][:n], threshold_db, int(one["levels_number"]))
        return axes, levels

    def take(self, most: int = N_ROWS) -> tuple[list[Batch], int]:
        """Return the rows since the last call, as far as they are whole, and how many were lost.

        Lost are those that were overwritten before they were read.
        """
        written = int(self._views.n_written[0])
        oldest = written - N_ROWS + _MARGIN + 1
        n_lost = max(oldest - self._next, 0)
        self._next += n_lost
        batches: list[Batch] = []
        for _ in range(min(written - self._next + 1, most)):
            found = self._row(self._next)
            if found is None:
                # It is being written, or was overwritten just now: the next call knows.
                break
            self._next += 1
            axes = self._axes_of(found.axes_number)
            if axes is None or axes.n_columns != len(found.values):
                continue
            _append(batches, axes, found)
        return batches, n_lost

    def _axes_of(self, number: int) -> Axes | None:
        """Return the axes of a row; None where they are not known, or no more."""
        if self._axes is None or self._axes.number != number:
            about = self.about()
            self._axes = None if about is None else about[0]
        return self._axes if self._axes is not None and self._axes.number == number else None

    def _row(self, sequence: int) -> "_Row | None":
        """Return a row as it was written; None where it is not, or no more, what it says it is."""
        views, at = self._views, sequence % N_ROWS
        if int(views.sequence[at]) != sequence:
            return None
        row, utc_s, axes = int(views.row[at]), float(views.utc_s[at]), int(views.axes[at])
        packed = int(views.packed[at])
        n, checksum = packed >> 32 & 0xFFFF, packed & 0xFFFFFFFF
        if not 0 < n <= MOST_COLUMNS:
            return None
        values = views.values[at, :n].tobytes()
        head = _HEAD.pack(sequence, row, utc_s, axes, n)
        if zlib.crc32(values, zlib.crc32(head)) != checksum:
            return None
        return _Row(row, utc_s, axes, values)


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    utc_s: float
    axes_number: int
    values: bytes


def _append(batches: list[Batch], axes: Axes, row: _Row) -> None:
    """Add a row to the last batch where it follows it, or begin another."""
    if batches:
        last = batches[-1]
        if last.axes.number == axes.number and last.first + last.n_rows == row.number:
            values = last.values + row.values
            batches[-1] = Batch(axes, last.first, last.utc_s, last.n_rows + 1, values)
            return
    batches.append(Batch(axes, row.number, row.utc_s, 1, row.values))
