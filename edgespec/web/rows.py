"""From the frames of a plane to rows for a screen: at most 60 a second, whatever the chunks."""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid, Span
from edgespec.records import FloatArray, FrameFlag
from edgespec.web.axes import Axes, Columns

__all__ = ["Frames", "RowMaker", "row_frames"]

_NS = 1e9
#: Rows a second, at most: what a screen shows.
_MOST_ROWS_HZ = 60.0
_MOST_VALUE = 255.0
#: Frames that hold nothing to show.
_UNHEARD = int(FrameFlag.DROPPED | FrameFlag.NONFINITE | FrameFlag.CONSTANT)


class Frames(Protocol):
    """What a plane says of its frames beside their levels, as a spectrogram does."""

    @property
    def flags(self) -> NDArray[np.uint8]:
        """Of :class:`~edgespec.records.FrameFlag`, ``(n_frames,)``."""
        ...

    @property
    def tick_start(self) -> NDArray[np.int64]:
        """Where each begins, ``(n_frames,)``."""
        ...

    @property
    def grid(self) -> Grid:
        """Their axes."""
        ...

    @property
    def span(self) -> Span:
        """The input that completed them."""
        ...


def row_frames(grid: Grid) -> int:
    """Return how many frames a row covers."""
    return max(1, math.ceil(1.0 / (_MOST_ROWS_HZ * grid.frame_s) - 1e-9))


class RowMaker:
    """Reduces frames to rows: in each column the largest level of the frames that a row covers.

    Row ``r`` covers the frames that begin in ticks ``r n`` to ``(r + 1) n - 1`` of the grid's
    clock, where ``n`` is as many whole frames as 1/60 s needs. So any division of a stream into
    blocks gives the same rows, whenever somebody began to look: a row whose begin was not seen is
    left out. A row without a frame that was heard is 0 everywhere.

    Args:
        put: takes a row: its number, UTC in seconds at its begin, uint8 ``(n_columns,)`` which the
            next row overwrites.
        db_min: level of the value 0.
        db_step: from one value to the next.
    """

    def __init__(
        self,
        put: Callable[[int, float, NDArray[np.uint8]], None],
        db_min: float,
        db_step: float,
    ) -> None:
        self._put = put
        self._db_min, self._db_step = np.float32(db_min), np.float32(db_step)
        self._grid: Grid | None = None
        self._number = 0
        self.rest()

    def rest(self) -> None:
        """Forget the row that was begun: what follows does not follow it."""
        self._row: int | None = None
        self._is_whole = False

    def tune(self, grid: Grid) -> Axes | None:
        """Return the axes of the rows from now on where they are others than before."""
        if grid is self._grid:
            return None
        self._grid, self.columns = grid, Columns(grid)
        n_frames = row_frames(grid)
        self._n_ticks = n_frames * grid.frame_ticks
        n_columns = self.columns.n_columns
        self._most_db, self._new_db = np.empty((2, grid.n_bins), np.float32)
        self._column_db = np.empty(n_columns, np.float32)
        self._values = np.empty(n_columns, np.uint8)
        self._number += 1
        self.rest()
        return Axes(
            self._number,
            n_columns,
            self.columns.lower_hz,
            self.columns.upper_hz,
            float(self._db_min),
            float(self._db_step),
            n_frames * grid.frame_s,
        )

    def add(self, levels_db: FloatArray, frames: Frames) -> None:
        """Take levels ``(n_frames, n_bins)`` of frames on the grid that it was tuned to last."""
        tick_start, frame_ticks = frames.tick_start, frames.grid.frame_ticks
        n_frames, start = len(levels_db), 0
        while start < n_frames:
            tick = int(tick_start[start])
            row = tick // self._n_ticks
            stop = start + int(np.searchsorted(tick_start[start:], (row + 1) * self._n_ticks))
            if row != self._row:
                self._close(frames)
                self._begin(row, is_from_start=tick - row * self._n_ticks < frame_ticks)
            self._hear(levels_db[start:stop], frames.flags[start:stop])
            start = stop
            # No other frame fits behind this one: whoever sweeps for seconds is not kept waiting.
            if int(tick_start[stop - 1]) + frame_ticks >= (row + 1) * self._n_ticks:
                self._close(frames)

    def _begin(self, row: int, *, is_from_start: bool) -> None:
        self._is_whole = is_from_start or self._is_whole
        self._row, self._is_heard = row, False
        self._most_db[:] = -np.inf

    def _hear(self, levels_db: FloatArray, flags: NDArray[np.uint8]) -> None:
        if np.any(flags):
            levels_db = levels_db[(flags & _UNHEARD) == 0]
            if not len(levels_db):
                return
        np.maximum.reduce(levels_db, axis=0, out=self._new_db)
        np.maximum(self._most_db, self._new_db, out=self._most_db)
        self._is_heard = True

    def _close(self, frames: Frames) -> None:
        """Give out the row that is going on, if its begin was seen."""
        row, self._row = self._row, None
        if row is None:
            return
        if self._is_whole:
            span = frames.span
            age_s = (row * self._n_ticks - span.tick_start) / frames.grid.tick_hz
            self._put(row, span.utc_ns / _NS + age_s, self._row_values())
        # Of every later one all that there was is seen.
        self._is_whole = True

    def _row_values(self) -> NDArray[np.uint8]:
        if not self._is_heard:
            self._values[:] = 0
            return self._values
        level = self._column_db
        self.columns.take(self._most_db, level)
        np.subtract(level, self._db_min, out=level)
        np.divide(level, self._db_step, out=level)
        np.rint(level, out=level)
        # What is not finite is a column without a bin.
        is_hole = ~np.isfinite(level)
        np.clip(level, 1.0, _MOST_VALUE, out=level)
        level[is_hole] = 0.0
        np.copyto(self._values, level, casting="unsafe")
        return self._values
