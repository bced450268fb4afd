"""Sweeps become frames: one sweep is one frame, and what it lacks is said of it."""

import numpy as np

from edgespec.dsp.stream import first_lost
from edgespec.errors import SourceError
from edgespec.grid import Grid, Span
from edgespec.records import FrameFlag, Spectrogram
from edgespec.sweep_block import SweepBlock
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["SweepPlane"]

#: A sweep that lacks more than this share of its points is not scored.
MOST_MISSING = 0.25


class SweepPlane:
    """Frames of the levels of sweeps, in the unit that they came in.

    Where up to a quarter of a sweep's points is missing, each has the level that it had last, which
    is no news; where none was ever measured, it has the median of its sweep. A sweep that lacks
    more is NONFINITE, and one that is the same everywhere CONSTANT.

    Args:
        grid: of the first sweeps.

    Attributes:
        grid: of the last ones; another object is another grid.
    """

    def __init__(self, grid: Grid) -> None:
        self._tune(grid)
        self._next: int | None = None

    def process(self, block: SweepBlock) -> Spectrogram:
        """Return the frames of a block; those before it that are missing are one that is DROPPED.

        Raises:
            SourceError: the sweeps do not have the points that their grid has.
        """
        if block.samples.shape != (block.n_samples, block.grid.n_bins):
            raise SourceError(
                f"sweeps have the shape {block.samples.shape}, but their grid has "
                f"{block.grid.n_bins} points"
            )
        if block.grid is not self.grid:
            self._tune(block.grid)
        lost = first_lost(block, self._next)
        n_gap, n_sweeps = int(lost is not None), block.n_samples
        power_db = np.full((n_gap + n_sweeps, self.grid.n_bins), POWER_FLOOR_DBFS, np.float32)
        flags = np.zeros(n_gap + n_sweeps, np.uint8)
        ticks = np.empty(n_gap + n_sweeps, np.int64)
        if lost is not None:
            flags[0], ticks[0] = FrameFlag.DROPPED, lost
        ticks[n_gap:] = block.sample_start + np.arange(n_sweeps)
        for row, sweep in enumerate(block.samples, n_gap):
            power_db[row], flags[row] = self._frame(sweep)
        self._next = block.sample_start + n_sweeps
        return Spectrogram(
            power_db,
            flags,
            ticks,
            self.grid,
            Span(block.sample_start, n_sweeps, block.utc_ns, block.received_ns),
            is_whole=not flags.any(),
        )

    def _tune(self, grid: Grid) -> None:
        self.grid = grid
        self._last_db = np.full(grid.n_bins, np.nan, np.float32)

    def _frame(
        self, sweep_db: "np.ndarray[tuple[int], np.dtype[np.float32]]"
    ) -> tuple["np.ndarray[tuple[int], np.dtype[np.float32]]", int]:
        """Return a sweep without holes, and its flag."""
        is_there = np.isfinite(sweep_db)
        n_there = np.count_nonzero(is_there)
        if n_there < (1.0 - MOST_MISSING) * len(sweep_db):
            return np.full_like(sweep_db, POWER_FLOOR_DBFS), int(FrameFlag.NONFINITE)
        if n_there < len(sweep_db):
            usual_db = np.where(
                np.isfinite(self._last_db), self._last_db, np.median(sweep_db[is_there])
            )
            whole_db = np.where(is_there, sweep_db, usual_db).astype(np.float32)
        else:
            whole_db = sweep_db
        self._last_db = np.where(is_there, sweep_db, self._last_db)
        is_flat = len(sweep_db) > 1 and float(np.ptp(whole_db)) == 0.0
        return whole_db, int(FrameFlag.CONSTANT) if is_flat else 0
