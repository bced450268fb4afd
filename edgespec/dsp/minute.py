"""Minutes of a band: power of each bin, how often it was there, and how power is distributed."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.band_minute import EXCEEDED_SHARES, BandMinute
from edgespec.computing import Computing
from edgespec.grid import Grid
from edgespec.records import FloatArray
from edgespec.units import POWER_FLOOR_DBFS, db_from_ratio

__all__ = ["HOLDERS", "LOWEST_DBFS", "N_STEPS", "OCCUPIED_DB", "STEP_DB", "Holds", "MinuteMeter"]

_NS = 1_000_000_000
#: Levels are counted in steps of so much from here on; what is lower or higher counts at the ends.
LOWEST_DBFS, STEP_DB, N_STEPS = -160.0, 0.5, 360
#: What stands so much above the floor is occupied, as a survey has it; a twentieth of the bins are
#: quiet.
OCCUPIED_DB, _QUIET_SHARE = 6.0, 0.05
_NEPERS_PER_DB = np.float32(np.log(10.0) / 10.0)


class Holds:
    """What is added up of means over horizons, in linear power but for the levels.

    ``total`` float64 ``(n_bins,)`` is the sum of the means, ``most`` the largest of them, and
    ``counts`` uint32 ``(n_bins, N_STEPS)`` how many lay at each level. ``frames`` uint32
    ``(N_STEPS,)`` is how many frames had each power, over all bins. ``linear`` float32
    ``(n_frames, n_bins)``, ``sums`` float64 ``(n_bins,)`` and ``flags``, all 0, are to work in.
    """

    def __init__(self, n_frames: int, n_bins: int) -> None:
        self.linear = np.empty((n_frames, n_bins), np.float32)
        self.flags = np.zeros(n_frames, np.uint8)
        self.sums = np.zeros(n_bins)
        self.total = np.zeros(n_bins)
        self.most = np.zeros(n_bins)
        self.counts = np.zeros((n_bins, N_STEPS), np.uint32)
        self.frames = np.zeros(N_STEPS, np.uint32)

    def clear(self) -> None:
        """Begin anew."""
        self.total[:] = 0.0
        self.most[:] = 0.0
        self.counts[:] = 0
        self.frames[:] = 0


class MinuteMeter:
    """Takes targets of segments, and has a :class:`BandMinute` whenever one is over.

    The clock is that of the samples: UTC may be set meanwhile, and a gap belongs to its minute. A
    pause, in which nobody listened, does too, and makes it so much shorter.

    Args:
        band: id of the band.
        grid: of the frames.
        n_horizon: frames of a target.
        computing: how power is summed.
        minute_s: how long a minute takes.
    """

    def __init__(
        self,
        band: str,
        grid: Grid,
        n_horizon: int,
        computing: Computing = Computing.PLAIN,
        minute_s: float = 60.0,
    ) -> None:
        self._band = band
        self._grid = grid
        self._n_horizon = n_horizon
        self._minute_s = minute_s
        self._hold = HOLDERS[computing]()
        self._holds = Holds(n_horizon, grid.n_bins)
        self._n_means = 0
        self._begun = self._end = 0
        # Ticks of pauses within the minute, and of those behind what is in it so far.
        self._n_unheard = self._n_paused = 0
        self._utc_ns = 0

    def add(self, target_dbfs: FloatArray, tick_start: int, utc_ns: int) -> BandMinute | None:
        """Take a target, which begins at a tick; return the minute that was over before it.

        No array is made unless one is.
        """
        ended = None
        if self._n_means and tick_start - self._begun >= self._minute_s * self._grid.tick_hz:
            ended = self.finish()
        if not self._n_means:
            self._begun, self._utc_ns = tick_start, utc_ns
            self._n_unheard = self._n_paused = 0
        self._n_unheard, self._n_paused = self._n_unheard + self._n_paused, 0
        self._hold(target_dbfs, self._holds)
        self._n_means += 1
        self._end = tick_start + self._n_horizon * self._grid.frame_ticks
        return ended

    def pause(self, n_ticks: int) -> None:
        """Let a time pass in which nobody listened."""
        self._n_paused += n_ticks

    def finish(self) -> BandMinute | None:
        """Return the minute so far, and begin another one; None where there is nothing."""
        if not self._n_means:
            return None
        made = self._minute()
        self._holds.clear()
        self._n_means = 0
        return made

    def retune(self, grid: Grid) -> BandMinute | None:
        """Go on with another grid, and return the minute so far."""
        ended = self.finish()
        self._grid = grid
        return ended

    def _minute(self) -> BandMinute:
        grid, holds, n = self._grid, self._holds, self._n_means
        upto = np.cumsum(holds.counts, axis=1)
        # A step is known by its middle.
        median_step = np.argmax(2 * upto >= n, axis=1)
        median_dbfs = (LOWEST_DBFS + (median_step + 0.5) * STEP_DB).astype(np.float32)
        floor_dbfs = float(np.quantile(median_dbfs, _QUIET_SHARE))
        step = int(np.clip((floor_dbfs + OCCUPIED_DB - LOWEST_DBFS) / STEP_DB, 0, N_STEPS - 1))
        return BandMinute(
            band=self._band,
            utc_ns=self._utc_ns,
            duration_s=(self._end - self._begun - self._n_unheard) / grid.tick_hz,
            n_means=n,
            freqs_hz=grid.freqs_hz,
            rbw_hz=grid.rbw_hz,
            level_dbfs=db_from_ratio(float(holds.total.sum()) / n / grid.enbw_bins),
            floor_dbfs=floor_dbfs,
            max_dbfs=_dbfs(holds.most),
            mean_dbfs=_dbfs(holds.total / n),
            median_dbfs=median_dbfs,
            occupancy=(1.0 - upto[:, step] / n).astype(np.float32),
            tick_start=self._begun,
            tick_end=self._end,
            exceeded_dbfs=self._exceeded_dbfs(),
        )

    def _exceeded_dbfs(self) -> FloatArray:
        """Return the power of the band that each share of the frames exceeds, to half a step."""
        upto = np.cumsum(self._holds.frames)
        at_most = (1.0 - np.array(EXCEEDED_SHARES)) * upto[-1]
        steps = np.searchsorted(upto, at_most)
        level_dbfs = LOWEST_DBFS + (steps + 0.5) * STEP_DB - db_from_ratio(self._grid.enbw_bins)
        exceeded_dbfs: FloatArray = level_dbfs.astype(np.float32)
        return exceeded_dbfs


def _dbfs(power: NDArray[np.float64]) -> NDArray[np.float32]:
    floor = 10.0 ** (POWER_FLOOR_DBFS / 10.0)
    level_dbfs: NDArray[np.float64] = 10.0 * np.log10(np.maximum(power, floor))
    return level_dbfs.astype(np.float32)


_Hold = Callable[[FloatArray, Holds], None]


def _hold_plain(target_dbfs: FloatArray, holds: Holds) -> None:
    linear = holds.linear
    np.multiply(target_dbfs, _NEPERS_PER_DB, out=linear)
    np.exp(linear, out=linear)
    mean = np.mean(linear, axis=0, dtype=np.float64, out=holds.sums)
    holds.total += mean
    np.maximum(holds.most, mean, out=holds.most)
    step = ((_dbfs(mean) - LOWEST_DBFS) / STEP_DB).astype(np.intp)
    holds.counts[np.arange(len(step)), np.clip(step, 0, N_STEPS - 1)] += 1
    frame_dbfs = _dbfs(np.sum(linear, axis=1, dtype=np.float64))
    step = ((frame_dbfs - LOWEST_DBFS) / STEP_DB).astype(np.intp)
    np.add.at(holds.frames, np.clip(step, 0, N_STEPS - 1), 1)


def _plain() -> _Hold:
    return _hold_plain


def _compiled() -> _Hold:
    from edgespec.dsp import minute_loops

    minute_loops.load()
    hold: Any = minute_loops.hold_target

    def hold_compiled(target_dbfs: FloatArray, holds: Holds) -> None:
        hold(
            target_dbfs,
            holds.flags,
            holds.linear,
            holds.sums,
            holds.total,
            holds.most,
            holds.counts,
            holds.frames,
            LOWEST_DBFS,
            STEP_DB,
        )

    return hold_compiled


HOLDERS: dict[Computing, Callable[[], _Hold]] = {
    Computing.COMPILED: _compiled,
    Computing.PLAIN: _plain,
}
