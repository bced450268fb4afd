"""The scan of power, which knows no model: for bands without a cell, and for what is narrow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect import plain as plain_detect
from edgespec.detect.arithmetic import Arithmetic as DetectArithmetic
from edgespec.detect.reference import SMALLEST_SPREAD_DB
from edgespec.detect.scan import plain
from edgespec.detect.scan.arithmetic import Arithmetic
from edgespec.detect.scan.memory import Memory
from edgespec.detect.scan.windows import MOST_NEW, Windows
from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment

__all__ = ["PowerScan"]

_Doubles = NDArray[Any]

#: Widths in bins, beside the whole band.
WIDTHS = (1, 3, 8, 24)
#: Frames that are looked at together, 1.3 ms: a fifth of the cost for what zscore sees anyway.
BLOCK_FRAMES = 5
#: Blocks that are learnt from, the newest of the warm-up: 5 s.
MOST_BLOCKS = 4_096
#: What was learnt from fewer is no reference.
LEAST_BLOCKS = 20
#: A length is learnt where the warm-up is so many times as long.
_LEAST_WINDOWS = 4
#: The largest deviation of a window in the warm-up counts as so much; beside a run of bins that
#: was lucky, the largest of all runs counts with this share.
_LARGEST, _SHARE = 3.5, 0.7
#: A bin's spread is drawn to the median one by this share of its square.
_COMMON_SHARE = 0.3


class PowerScan:
    """The largest deviation of a band's shape over 1.3 ms to 25 s and 1 bin to all.

    The shape is a frame in dB less its mean, as for ``zscore``. Each bin has a median and a spread
    upwards, ``s^2 = 2 mean(max(shape - median, 0)^2)``, and ``x = (shape - median) / s`` of blocks
    of frames is summed up over windows of time and of bins. A window's sum over the root of its
    size has deviation 1 by chance. What it varied by in the warm-up counts, and what its largest
    was: traffic has a heavy tail. Lengths that the warm-up is too short for are thought to vary as
    slowly as the longest that it is long enough for. One-sided: what goes silent counts only as far
    as the others rise over the mean by it.

    Args:
        geometry: of the segments.
        n_warmup: segments to learn from.
        arithmetic: how shapes are computed.
        scan_arithmetic: how windows are.
    """

    name = "scan"
    needs_forecast = False

    def __init__(
        self,
        geometry: Geometry,
        n_warmup: int,
        arithmetic: DetectArithmetic = plain_detect,
        scan_arithmetic: Arithmetic = plain,
    ) -> None:
        n_horizon, n_bins = geometry.n_horizon, geometry.n_bins
        # Where segments overlap, only what is new is taken.
        self._n_new = min(n_horizon, geometry.hop_frames)
        self._block = _block_frames(self._n_new)
        n_blocks = self._n_new // self._block
        self._n_warmup, self._n_heard = n_warmup, 0
        self._shape_mean = arithmetic.shape_mean
        self._arithmetic = scan_arithmetic
        self._memory = Memory(Windows(n_bins, WIDTHS))
        self._memory.terms[:, 2] = 1.0
        self._shape_db = np.empty((n_horizon, n_bins), np.float32)
        self._frame_db = np.empty((n_horizon, 1), np.float32)
        self._mean_db = np.empty(n_bins, np.float32)
        self._expected_db = np.zeros(n_bins, np.float32)
        self._blocks_db = np.empty((n_blocks, n_bins), np.float32)
        self._per_spread = np.ones(n_bins, np.float32)
        n_rows = min(MOST_BLOCKS // n_blocks, n_warmup)
        self._learnt_db = np.empty((n_rows, n_blocks, n_bins), np.float32)
        windows = self._memory.windows
        self._spreads = np.zeros((2, len(windows.lengths), windows.n_runs))
        self._is_settled = False

    def reset(self) -> None:
        """Forget the reference and warm up again."""
        self._is_settled = False
        self._n_heard = 0
        self._expected_db[:] = 0.0
        self._memory.clear()

    def follow(self, step_db: float) -> None:
        """Nothing changes: the shape is what is left without the level."""

    def settle(self) -> None:
        """Keep what was learnt as the reference, if that was enough to learn from."""
        n_rows = min(self._n_heard, len(self._learnt_db))
        if self._is_settled or n_rows * len(self._blocks_db) < LEAST_BLOCKS:
            return
        first = self._n_heard % n_rows if self._n_heard > n_rows else 0
        rows_db = np.roll(self._learnt_db[:n_rows], -first, axis=0)
        rows_db = rows_db.reshape(-1, rows_db.shape[-1])
        self._expected_db[:] = np.median(rows_db, axis=0)
        x = rows_db - self._expected_db
        square = np.maximum(2.0 * np.mean(np.maximum(x, 0.0) ** 2, axis=0), SMALLEST_SPREAD_DB**2)
        square += _COMMON_SHARE * (np.median(square) - square)
        self._per_spread[:] = 1.0 / np.sqrt(square)
        self._spreads[0] = _learn_squares(x * self._per_spread, self._memory.windows)
        self._memory.clear()
        self._is_settled = True

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the largest deviation and the map of the shape against its median, in dB."""
        target_db = segment.target
        self._shape_mean(
            target_db, self._expected_db, self._shape_db, self._mean_db, self._frame_db
        )
        blocks_db, n_blocks = self._blocks_db, len(self._blocks_db)
        new = self._shape_db[len(self._shape_db) - self._n_new :]
        np.add.reduce(new.reshape(n_blocks, self._block, -1), axis=1, out=blocks_db)
        np.multiply(blocks_db, np.float32(1.0 / self._block), out=blocks_db)
        if not self._is_settled:
            self._learnt_db[self._n_heard % len(self._learnt_db)] = blocks_db
            self._n_heard += 1
            if self._n_heard >= self._n_warmup:
                self.settle()
            return None
        memory = self._memory
        np.multiply(blocks_db, self._per_spread, out=blocks_db)
        memory.terms[:n_blocks, 0] = blocks_db
        self._arithmetic.scan(
            memory.terms,
            n_blocks,
            memory.counts,
            memory.sums,
            memory.blocks,
            memory.open,
            self._spreads,
            0.0,
            memory.runs,
            memory.bands,
            memory.lanes,
            memory.best,
        )
        return Score(self.name, float(memory.best[0].max()), self._shape_db)


def _block_frames(n_frames: int) -> int:
    """Return how many frames a block has: they divide what is new, and there are not too many."""
    return next(
        n
        for n in range(min(BLOCK_FRAMES, n_frames), n_frames + 1)
        if n_frames % n == 0 and n_frames // n <= MOST_NEW
    )


def _learn_squares(x: FloatArray, windows: Windows) -> _Doubles:
    """Return the mean square that every window may have, float64 ``(n_lengths, n_runs)``."""
    n_blocks, n_bins = x.shape
    sums = np.zeros((n_blocks + 1, n_bins + 1))
    np.cumsum(np.cumsum(x, axis=0), axis=1, out=sums[1:, 1:])
    squares = np.ones((len(windows.lengths), windows.n_runs))
    widths = windows.stop - windows.lower
    last = 0
    for number, length in enumerate(windows.lengths):
        if length * _LEAST_WINDOWS > n_blocks:
            squares[number] = squares[last] * (length / windows.lengths[last])
            continue
        last = number
        over_time = sums[length:] - sums[:-length]
        for width in np.unique(widths):
            z = (over_time[:, width:] - over_time[:, :-width]) / np.sqrt(length * width)
            largest = z.max(axis=0)
            largest = np.maximum(largest, _SHARE * largest.max()) / _LARGEST
            square = np.maximum((z**2).mean(axis=0), np.maximum(largest, 0.0) ** 2)
            squares[number, widths == width] = np.maximum(square, 1.0)
    return squares
