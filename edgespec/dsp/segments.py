"""A stream of frames becomes overlapping segments of context and horizon."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.grid import Grid
from edgespec.records import FloatArray, FrameFlag, Geometry, Segment, Spectrogram

__all__ = ["REASONS", "RETUNED", "Segmenter"]

#: Why a segment is skipped, by the name it is counted under; the first that applies counts.
REASONS = {
    "dropped": FrameFlag.DROPPED,
    "nonfinite": FrameFlag.NONFINITE,
    "clipped": FrameFlag.CLIPPED,
    "constant": FrameFlag.CONSTANT | FrameFlag.HALF,
}

#: Frames that hold nothing of the signal. Clipped ones do: their levels are lower bounds.
_BEYOND_USE = np.uint8(FrameFlag.DROPPED | FrameFlag.NONFINITE | FrameFlag.CONSTANT)

RETUNED = "retuned"

#: No frame begins here, so whatever comes next begins behind a gap.
_UNKNOWN = -1


class Segmenter:
    """Cuts the stream at every ``hop_frames``: first ``push``, then take all of ``segments()``.

    The row of segments begins with the first frame, and anew behind every gap: a frame flagged
    DROPPED, a frame that does not begin where the last one ended, or one on another grid. Every
    position of the row whose first frame came becomes a segment, or is counted in ``skipped``
    because one of its frames is flagged or a gap cut it short, or still waits for frames.

    A stream that is watched is cut with ``partial``: then no target is lost to a bad context. Of
    frames with a flag only those of the target count, and of these only what holds nothing of the
    signal: up to half of a target may be NONFINITE or CONSTANT, and is then replaced by the
    nearest good frame of it; so is the frame behind a constant one. Behind a gap the first target
    begins with the first frame, its context being what there is. A segment that still cannot be
    scored is yielded with its reason. Where all frames are good and follow each other, the segments
    are the same.

    Args:
        geometry: of the segments.
        partial: also make the segments that are not whole.

    Attributes:
        skipped: number of segments that were not made, by reason: dropped, nonfinite, clipped,
            constant, or retuned where a retune cut them short.
    """

    def __init__(self, geometry: Geometry, *, partial: bool = False) -> None:
        self.geometry = geometry
        self._partial = partial
        self._mended: FloatArray = np.empty((geometry.n_horizon, geometry.n_bins), np.float32)
        self.skipped = dict.fromkeys((*REASONS, RETUNED), 0)
        self._allocate(4 * geometry.n_segment)
        self.reset()

    def reset(self) -> None:
        """Forget all frames; the counts stay."""
        self._n_frames = 0
        self._position = 0
        # No frame before this one is of the same row: behind a gap, the position may be.
        self._row_start = 0
        self._is_done = False
        self._after_constant = False
        self._next_tick = _UNKNOWN
        self._grid: Grid | None = None
        self._was_retuned = False
        # Frames behind a gap, those of them behind a retune, and the last one with a flag: on a
        # good radio there are none, and what is not there costs nothing.
        self._gaps: deque[int] = deque()
        self._retunes: deque[int] = deque()
        self._last_flagged = -1

    def pause(self) -> None:
        """Begin a new row: what was unfinished is cut short, as by a retune, and no frame lost."""
        n_done = self._position + (self.geometry.hop_frames if self._is_done else 0)
        n_cut = self._n_frames - n_done - (self.geometry.n_context if self._partial else 0)
        self.skipped[RETUNED] += -(-max(n_cut, 0) // self.geometry.hop_frames)
        grid = self._grid
        self.reset()
        self._grid = grid
        if self._partial:
            self._begin_at(-self.geometry.n_context)

    def push(self, spectrogram: Spectrogram) -> None:
        """Append frames. Segments taken before become invalid.

        Raises:
            ModelError: the frames have another number of bins than the segments.
        """
        starts, grid = spectrogram.tick_start, spectrogram.grid
        n_new = len(starts)
        if not n_new:
            return
        if grid is not self._grid:
            self._begin_grid(grid)
        if self._n_frames + n_new > len(self._flags):
            self._make_room(n_new)
        goes_on = int(starts[0]) == self._next_tick
        first, stop = self._n_frames, self._n_frames + n_new
        self._power_dbfs[first:stop] = spectrogram.power_dbfs
        self._flags[first:stop] = spectrogram.flags
        self._tick_start[first:stop] = starts
        self._next_tick = int(starts[-1]) + grid.frame_ticks
        if not (goes_on and spectrogram.is_whole) or self._after_constant:
            stop = self._look(first, stop, goes_on, grid.frame_ticks)
        self._n_frames = stop

    def _look(self, first: int, stop: int, goes_on: bool, frame_ticks: int) -> int:
        """Note the gaps and flags of new frames; return where those that stay end."""
        n_new, starts = stop - first, self._tick_start[first:stop]
        steps, is_gap = self._steps[: n_new - 1], self._is_gap[:n_new]
        is_gap[0] = not goes_on
        np.subtract(starts[1:], starts[:-1], out=steps)
        np.not_equal(steps, frame_ticks, out=is_gap[1:])
        if self._after_constant or np.count_nonzero(self._flags[first:stop]):
            stop = self._note_flags(first, stop)
        if np.count_nonzero(is_gap[: stop - first]):
            self._gaps.extend(first + int(k) for k in np.flatnonzero(is_gap[: stop - first]))
        if self._was_retuned and stop > first:
            self._retunes.append(first)
            self._was_retuned = False
        return stop

    def segments(self) -> Iterator[Segment]:
        """Yield the segments that are complete: views that the next ``push`` overwrites."""
        n_context, n_segment = self.geometry.n_context, self.geometry.n_segment
        while (first := self._next_position()) is not None:
            middle, stop = first + n_context, first + n_segment
            start, target = first, self._power_dbfs[middle:stop]
            has_context, reason = True, ""
            if first < self._row_start or self._last_flagged >= first:
                start = max(first, self._row_start)
                has_context = start == first and not np.count_nonzero(self._flags[first:middle])
                if self._last_flagged >= middle:
                    target, reason = self._usable(middle, stop)
            yield Segment(
                self._power_dbfs[start:middle],
                target,
                self._tick_start[start:stop],
                self._flags[start:stop],
                has_context,
                reason,
            )

    def _usable(self, start: int, stop: int) -> tuple[FloatArray, str]:
        """Return a target that has flags with its bad frames replaced, or why it is of no use."""
        target, flags = self._power_dbfs[start:stop], self._flags[start:stop]
        bad = np.flatnonzero(flags & _BEYOND_USE)
        if not len(bad):
            return target, ""
        if 2 * len(bad) > len(target):
            return target, self._count(int(np.bitwise_or.reduce(flags & _BEYOND_USE)), 1)
        good = np.flatnonzero(~(flags & _BEYOND_USE).astype(np.bool_))
        np.copyto(self._mended, target)
        for frame in bad:
            self._mended[frame] = target[good[np.abs(good - frame).argmin()]]
        return self._mended, ""

    def _next_position(self) -> int | None:
        """Return the first frame of the next valid segment and move behind it, or return None."""
        n_segment, hop = self.geometry.n_segment, self.geometry.hop_frames
        while True:
            first = self._position
            behind = max(first, self._row_start) + 1
            if self._is_done:
                gap = self._find_gap(behind, first + hop + 1) if self._gaps else None
                # The frame that comes next may lie behind a gap.
                if gap is None and first + hop >= self._n_frames:
                    return None
                if gap is None:
                    self._begin_at(first + hop)
                else:
                    self._begin_behind(gap)
                continue
            gap = self._find_gap(behind, first + n_segment) if self._gaps else None
            if gap is not None:
                is_retuned = gap in self._retunes
                cut_at = gap
                if self._partial and not is_retuned:
                    cut_at = max(gap - self.geometry.n_context, first)
                n_cut = -((first - cut_at) // hop)
                if is_retuned:
                    self.skipped[RETUNED] += n_cut
                else:
                    self._count(FrameFlag.DROPPED, n_cut)
                self._begin_behind(gap)
                continue
            if first + n_segment > self._n_frames:
                return None
            self._is_done = True
            if self._partial or self._last_flagged < first:
                return first
            flags = int(np.bitwise_or.reduce(self._flags[first : first + n_segment]))
            if not flags:
                return first
            self._count(flags, 1)

    def _begin_grid(self, grid: Grid) -> None:
        if grid.n_bins != self.geometry.n_bins:
            raise ModelError(
                f"the frames have {grid.n_bins} bins, but segments of {self.geometry.n_bins} are "
                "asked for: take a front end, or a bundle, made for the other"
            )
        self._was_retuned |= self._grid is not None
        while self._retunes and self._retunes[0] <= self._position:
            self._retunes.popleft()
        self._grid = grid
        self._next_tick = _UNKNOWN

    def _begin_behind(self, gap: int) -> None:
        """Begin a row at a gap: where targets alone are scored, with a target."""
        is_new = not self._partial or gap in self._retunes
        self._row_start = gap
        self._begin_at(gap if is_new else gap - self.geometry.n_context)

    def _begin_at(self, position: int) -> None:
        self._position = position
        self._is_done = False

    def _count(self, flags: int, n_segments: int) -> str:
        reason = next(name for name, flag in REASONS.items() if flags & flag)
        self.skipped[reason] += n_segments
        return reason

    def _find_gap(self, start: int, stop: int) -> int | None:
        """Return the first gap within ``[start, stop)``; those before it are behind us."""
        while self._gaps and self._gaps[0] < start:
            self._gaps.popleft()
        return self._gaps[0] if self._gaps and self._gaps[0] < stop else None

    def _note_flags(self, first: int, stop: int) -> int:
        """Take the frames that stand for lost samples out again; return where the rest ends."""
        is_dropped = (self._flags[first:stop] & np.uint8(FrameFlag.DROPPED)) != 0
        self._is_gap[1 : stop - first] |= is_dropped[:-1]
        if is_dropped[-1]:
            self._next_tick = _UNKNOWN
        keep = np.flatnonzero(~is_dropped)
        stop = first + len(keep)
        self._is_gap[: len(keep)] = self._is_gap[keep]
        for frames in self._columns():
            frames[first:stop] = frames[first + keep]
        if self._partial and stop > first:
            self._spread_constant(self._flags[first:stop], self._is_gap[: stop - first])
        flagged = np.flatnonzero(self._flags[first:stop])
        if len(flagged):
            self._last_flagged = first + int(flagged[-1])
        return stop

    def _spread_constant(self, flags: NDArray[np.uint8], is_gap: NDArray[np.bool_]) -> None:
        """Flag the frame behind a constant one as well: its first samples may be constant too.

        A whole segment has neither; of a partial one this frame would be the only witness.
        """
        is_behind = np.empty(len(flags), np.bool_)
        is_behind[0] = self._after_constant
        np.not_equal(flags[:-1] & np.uint8(FrameFlag.CONSTANT), 0, out=is_behind[1:])
        self._after_constant = bool(flags[-1] & np.uint8(FrameFlag.CONSTANT))
        flags[is_behind & ~is_gap] |= np.uint8(FrameFlag.CONSTANT)

    def _make_room(self, n_new: int) -> None:
        """Move the frames that are still needed to the front: the end is reached."""
        first = max(self._position, self._row_start)
        needed = slice(min(first, self._n_frames), self._n_frames)
        n_needed = needed.stop - needed.start
        old = self._columns()
        # Room for twice what is kept means that the parts of a move never overlap.
        if 2 * n_needed + n_new > len(self._flags):
            self._allocate(2 * (2 * n_needed + n_new))
        for source, target in zip(old, self._columns(), strict=True):
            target[:n_needed] = source[needed]
        self._position -= needed.start
        self._row_start -= needed.start
        self._last_flagged -= needed.start
        self._gaps = deque(gap - needed.start for gap in self._gaps)
        self._retunes = deque(gap - needed.start for gap in self._retunes)
        self._n_frames = n_needed

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self._power_dbfs, self._flags, self._tick_start

    def _allocate(self, n_frames: int) -> None:
        self._power_dbfs: FloatArray = np.empty((n_frames, self.geometry.n_bins), np.float32)
        self._flags: NDArray[np.uint8] = np.empty(n_frames, np.uint8)
        self._tick_start: NDArray[np.int64] = np.empty(n_frames, np.int64)
        self._steps: NDArray[np.int64] = np.empty(n_frames, np.int64)
        self._is_gap: NDArray[np.bool_] = np.empty(n_frames, np.bool_)
