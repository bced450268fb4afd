"""What an event added to the power of each bin, and the edges that this has."""

from math import log10, sqrt

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.normal import N_ROWS, OWN_SIGMAS, TRUSTED_ROWS, take_rows
from edgespec.detect.regions import BRIDGED_BINS, BRIDGED_SHARE, Region, run_around
from edgespec.records import FloatArray
from edgespec.reference import Reference

__all__ = ["FrameMeans", "NormalPower"]

#: One in so many frames of a horizon is quiet: a cell pauses between down and up, or has less to
#: send, and what is weak stands out there first.
QUIET_PART = 8
#: What was added has its edges where it is 6 dB below what it is on average in between: at the
#: main lobe of a tone, and above what a converter that clips makes beside a wide signal (-8 dB).
EDGE_SHARE = 0.25
#: A bin belongs to it when that many spreads of its mean were added.
MEMBER_SIGMAS = 3.0
#: Of a bin's power between rows, relative: no site is steadier.
SMALLEST_SPREAD = 0.02
#: Means of fewer rows tell less of the spread of longer means.
LEAST_BLOCKS = 4
_FROM_DB = np.float32(np.log(10.0) / 10.0)


class FrameMeans:
    """Mean power of the frames of a horizon, and of its quietest ones, linear.

    Quiet is a frame in which most bins have little, each counted up to its own mean in dB: an
    interferer in less than half of the band, however strong, has little part in the choice.

    Args:
        n_bins: width of the maps.

    Attributes:
        power: float32 ``(n_bins,)``, of all frames; overwritten by the next horizon.
        quiet: of one frame in :data:`QUIET_PART`, at least one.
    """

    def __init__(self, n_bins: int) -> None:
        self.power = np.zeros(n_bins, np.float32)
        self.quiet = np.zeros(n_bins, np.float32)
        self._frames: FloatArray = np.zeros((0, n_bins), np.float32)
        self._levels: FloatArray = np.zeros(0, np.float32)

    def take(self, target_dbfs: FloatArray) -> None:
        """Take a horizon ``(n_horizon, n_bins)``."""
        if self._frames.shape != target_dbfs.shape:
            self._frames = np.zeros(target_dbfs.shape, np.float32)
            self._levels = np.zeros(len(target_dbfs), np.float32)
        frames, levels = self._frames, self._levels
        n_frames = len(frames)
        n_quiet = max(n_frames // QUIET_PART, 1)
        np.add.reduce(target_dbfs, axis=0, out=self.power)
        np.multiply(self.power, np.float32(1.0 / n_frames), out=self.power)
        np.minimum(target_dbfs, self.power, out=frames)
        np.add.reduce(frames, axis=1, out=levels)
        np.multiply(target_dbfs, _FROM_DB, out=frames)
        np.exp(frames, out=frames)
        np.add.reduce(frames, axis=0, out=self.power)
        np.multiply(self.power, np.float32(1.0 / n_frames), out=self.power)
        self.quiet[:] = 0.0
        for _ in range(n_quiet):
            quietest = int(levels.argmin())
            levels[quietest] = np.inf
            self.quiet += frames[quietest]
        np.multiply(self.quiet, np.float32(1.0 / n_quiet), out=self.quiet)


class NormalPower:
    """Power of the bins in normal segments, linear, and how far means of it stray.

    The mean over ``n`` segments strays less than one segment does, but traffic comes and goes
    slowly: the spread falls with ``n`` as means of the site's own rows show it, and no further
    than the longest that there are some of.

    Args:
        n_bins: width of the map.
        least_ratio: what was added must be so many times what is normal to be read at all.
    """

    def __init__(self, n_bins: int, least_ratio: float) -> None:
        self._rows = np.zeros((N_ROWS, n_bins), np.float32)
        self._count = 0
        self._least_ratio = least_ratio
        self._settled_for = 0
        self._shrinks: list[float] = [1.0]
        self.mean = np.ones(n_bins, np.float32)
        self.spread = np.ones(n_bins, np.float32)

    @property
    def is_known(self) -> bool:
        """Whether enough rows were learnt to say what is normal."""
        return self._count >= TRUSTED_ROWS

    @property
    def usual(self) -> FloatArray | None:
        """Mean power of the bins, ``(n_bins,)``; None before enough rows were learnt."""
        if not self.is_known:
            return None
        self._settle()
        return self.mean

    @property
    def is_full(self) -> bool:
        """Whether there are as many rows as are ever kept."""
        return self._count == N_ROWS

    def add(self, row: FloatArray) -> None:
        """Learn a row of ``(n_bins,)``, until there are enough."""
        if not self.is_full:
            self._rows[self._count] = row
            self._count += 1

    def shift(self, step_db: float) -> None:
        """Take a step of the level into what is normal."""
        self._rows *= np.float32(10.0 ** (step_db / 10.0))
        self._settled_for = 0

    def reference(self) -> Reference:
        """Return the rows that were learnt."""
        return {"rows": self._rows[: self._count].copy()} if self._count else {}

    def take_reference(self, reference: Reference) -> None:
        """Go by rows that another one learnt."""
        self._count = take_rows(self._rows, reference)
        self._settled_for = 0

    def shrink(self, n_segments: int) -> float:
        """Return the spread of means over ``n_segments`` as a share of that of one."""
        self._settle()
        n_doubled = min(n_segments.bit_length(), len(self._shrinks)) - 1
        return max(self._shrinks[max(n_doubled, 0)], 1.0 / sqrt(max(n_segments, 1)))

    def region(
        self, mean: FloatArray, n_segments: int, within: Region, *, is_broad: bool = False
    ) -> Region | None:
        """Return where power was added within a region, None where it does not stand out.

        Args:
            mean: ``(n_bins,)`` over ``n_segments`` segments.
            n_segments: of the event so far.
            within: where its peak lies; its edges may lie outside.
            is_broad: most of the band has moved, and a carrier hides what is under it.
        """
        if not self.is_known:
            return None
        spread = self.spread_of(n_segments)
        added = mean - self.mean
        ratio = added / self.mean
        inside = np.zeros(len(added), np.bool_)
        inside[within.lower_bin : within.upper_bin + 1] = True
        inside &= ratio >= np.maximum(np.float32(self._least_ratio), OWN_SIGMAS * spread)
        if not inside.any():
            return None
        bridged = round(BRIDGED_SHARE * len(added)) if is_broad else BRIDGED_BINS
        peak = int(np.where(inside, added, -np.inf).argmax())
        is_added = ratio >= MEMBER_SIGMAS * spread
        lower, upper = _run(is_added & (added >= EDGE_SHARE * added[peak]), peak, bridged)
        # Against the mean of it, as its peak is only where it happens to be highest.
        level = float(added[lower : upper + 1].mean())
        lower, upper = _run(is_added & (added >= EDGE_SHARE * level), peak, bridged)
        return Region(lower, upper, peak, 1, 10.0 * log10(1.0 + float(ratio[peak])))

    def spread_of(self, n_segments: int) -> FloatArray:
        """Return the relative spread of each bin's mean over so many segments."""
        shrink = np.float32(self.shrink(n_segments))
        return self.spread * shrink

    def _settle(self) -> None:
        if self._settled_for == self._count:
            return
        self._settled_for = self._count
        rows = self._rows[: self._count]
        self.mean = np.maximum(rows.mean(axis=0), np.float32(1e-20))
        self.spread = np.maximum(rows.std(axis=0) / self.mean, np.float32(SMALLEST_SPREAD))
        self._shrinks = [1.0]
        n_long = 2
        while self._count // n_long >= LEAST_BLOCKS:
            n_blocks = self._count // n_long
            blocks = rows[: n_blocks * n_long].reshape(n_blocks, n_long, -1).mean(axis=1)
            spread = blocks.std(axis=0, ddof=1) / self.mean
            self._shrinks.append(min(float(np.median(spread / self.spread)), 1.0))
            n_long *= 2


def _run(member: NDArray[np.bool_], peak: int, bridged: int) -> tuple[int, int]:
    member[peak] = True
    return run_around(member, peak, bridged)
