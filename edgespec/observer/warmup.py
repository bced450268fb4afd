"""The warm-up judges itself: was the band the same all along, and as it was in the last run?"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid
from edgespec.observer.kept import KeptFile, KeptNormal, load_kept, save_kept
from edgespec.records import FrameFlag, Geometry, Segment
from edgespec.units import format_hz

__all__ = ["WarmUp"]

#: Parts of equal length that a warm-up is compared in; a change needs two before and two behind.
_N_PARTS = 8
_MIN_PARTS = 2
#: Real cells at rest: up to 1.6 dB; simulated ones in half a second: up to 2.7 dB. An interferer
#: as strong as the cell, from the middle on: 4 to 25 dB.
CHANGED_DB = 4.0
#: From one run to another a cell may fade, and traffic differs between night and day.
MOVED_DB = 8.0
#: Traffic moves a whole band, and a switched cell by much.
LEVEL_DB = 10.0
_NS = 1_000_000_000


class WarmUp:
    """Compares the mean of every bin over the parts of a warm-up, each less its median bin.

    Where the band changed meanwhile, what was learnt is not trusted: an interferer that came in
    the middle of it would else be normal from then on, in silence. What is trusted is kept in a
    file, and the next warm-up with the same source, frequencies and gain is compared with it: an
    interferer that is there before the restart and after it differs from the run before both.

    Args:
        geometry: of the segments.
        n_segments: of the warm-up.
        kept: the file; None: nothing is kept.
        utc_ns: the clock.

    Attributes:
        is_judged: whether it is over.
        distrust: why what was learnt is not to be trusted; '' where it is.
    """

    def __init__(
        self,
        geometry: Geometry,
        n_segments: int,
        kept: KeptFile | None = None,
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._geometry = geometry
        self._n_segments = n_segments
        self._kept = kept
        self._utc_ns = utc_ns
        self._sums_db = np.zeros((_N_PARTS, geometry.n_bins))
        self._mean_db = np.empty(geometry.n_bins, np.float32)
        self._counts = np.zeros(_N_PARTS, np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget the band and begin anew."""
        self._sums_db[:] = 0.0
        self._counts[:] = 0
        self._n_clipped = 0
        self.distrust = ""
        self.is_judged = False

    def add(self, segment: Segment) -> None:
        """Take a segment that is learnt from."""
        n = int(self._counts.sum())
        part = min(n * _N_PARTS // self._n_segments, _N_PARTS - 1)
        np.mean(segment.target, axis=0, out=self._mean_db)
        self._sums_db[part] += self._mean_db
        self._counts[part] += 1
        if segment.flags is not None:
            self._n_clipped += bool(np.any(segment.flags & np.uint8(FrameFlag.CLIPPED)))

    def judge(self, grid: Grid) -> str:
        """Return why what was learnt is not to be trusted, '' if it is; then it is kept."""
        self.is_judged = True
        counts = np.maximum(self._counts, 1)[:, None]
        parts_db = (self._sums_db / counts)[self._counts > 0]
        if not len(parts_db):
            return ""
        n_heard = int(self._counts.sum())
        normal_db = self._sums_db.sum(axis=0) / n_heard
        if 2 * self._n_clipped > n_heard:
            self.distrust = "the receiver was overloaded in the warm-up"
        else:
            self.distrust = self._change(parts_db, grid) or self._move(normal_db, grid)
        if not self.distrust and self._kept is not None:
            kept = KeptNormal(
                self._utc_ns(),
                self._kept.source,
                self._kept.gain_db,
                grid.range_hz,
                tuple(map(float, normal_db)),
            )
            save_kept(self._kept.path, kept)
        return self.distrust

    def _change(self, parts_db: NDArray[np.float64], grid: Grid) -> str:
        """Return where the band changed from some part of the warm-up on, in words."""
        largest_db, said = CHANGED_DB, ""
        for k in range(_MIN_PARTS, len(parts_db) - _MIN_PARTS + 1):
            step_db, bin_ = _largest(parts_db[:k].mean(axis=0), parts_db[k:].mean(axis=0))
            if abs(step_db) > largest_db:
                largest_db = abs(step_db)
                said = (
                    f"the band changed by {step_db:+.1f} dB at {format_hz(grid.freqs_hz[bin_])} "
                    f"after {k / len(parts_db):.0%} of the warm-up"
                )
        return said

    def _move(self, normal_db: NDArray[np.float64], grid: Grid) -> str:
        """Return how the band differs from that of the last run, in words."""
        kept = None if self._kept is None else load_kept(self._kept.path)
        if self._kept is None or kept is None:
            return ""
        if not kept.is_of(self._kept, grid.range_hz, len(normal_db)):
            return ""
        before_db = np.asarray(kept.normal_dbfs)
        age_h = max(self._utc_ns() - kept.utc_ns, 0) / _NS / 3600
        step_db, bin_ = _largest(before_db, normal_db)
        level_db = float(np.median(normal_db) - np.median(before_db))
        if abs(step_db) > MOVED_DB:
            where = f"{step_db:+.1f} dB at {format_hz(grid.freqs_hz[bin_])}"
        elif abs(level_db) > LEVEL_DB:
            where = f"{level_db:+.1f} dB over the band"
        else:
            return ""
        return f"the band differs from the last run, {age_h:.1f} h ago, by {where}"


def _largest(before_db: NDArray[np.float64], after_db: NDArray[np.float64]) -> tuple[float, int]:
    """Return the largest step of a bin against the median bin, and which it is."""
    step_db = after_db - before_db
    step_db = step_db - np.median(step_db)
    bin_ = int(np.abs(step_db).argmax())
    return float(step_db[bin_]), bin_
