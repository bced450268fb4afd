"""Received power: the frames of one second become one number for each subband."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.telling import Telling
from edgespec.errors import ConfigError
from edgespec.grid import Grid
from edgespec.records import FloatArray, FrameFlag, RssReport, Spectrogram
from edgespec.units import db_from_ratio

__all__ = ["ADDERS", "RssPlan", "SubbandLevels", "levels_dbfs"]

_NS = 1_000_000_000
_NEPERS_PER_DB = np.float32(math.log(10.0) / 10.0)
_UNUSABLE = FrameFlag.DROPPED | FrameFlag.NONFINITE | FrameFlag.CONSTANT
#: An interval of which less was heard (the first after a start, a stalled radio) says nothing.
_MIN_SHARE = 0.5
#: Three digits behind the point are more than a receiver knows, and spare half of the bytes.
_DIGITS = 3

_Add = Callable[[FloatArray, NDArray[np.uint8], int, FloatArray, NDArray[np.float64]], None]


@dataclass(frozen=True, slots=True)
class RssPlan:
    """Who reports to whom, and how.

    ``full_scale_dbm`` is the power at the antenna that reads 0 dBFS; None: not calibrated.
    ``every_s`` and ``step_db`` say which seconds are told (:class:`edgespec.dsp.telling.Telling`).
    """

    node: str
    site: str
    band: str
    n_subbands: int = 8
    full_scale_dbm: float | None = None
    every_s: float = 1.0
    step_db: float = 3.0


class SubbandLevels:
    """Mean power in each of K equal subbands, once a second of UTC, ``add`` by ``add``.

    The level of a subband is ``10 log10(sum_b mean_t P[t, b] / ENBW)`` over its bins: the power of
    all that was received in it, a complex exponential of modulus 1 being 0 dBFS. A bin belongs to
    the subband that its centre lies in. All observers cut at the seconds of UTC, so that their
    reports can be laid side by side.

    Args:
        grid: of the frames; its frequencies become the edges.
        plan: goes into every report.
        max_frames: most frames that come at once.
        computing: how power is summed.

    Raises:
        ConfigError: there is a subband without a bin.
    """

    def __init__(
        self, grid: Grid, plan: RssPlan, max_frames: int, computing: Computing = Computing.PLAIN
    ) -> None:
        self._plan = plan
        self._add = ADDERS[computing]()
        self._linear = np.empty((max_frames, grid.n_bins), np.float32)
        self._sums = np.zeros(grid.n_bins)
        self._second = -1
        self._ready: RssReport | None = None
        self._telling = Telling(plan.every_s, plan.step_db)
        self._begin(grid)

    def add(self, spectrogram: Spectrogram) -> None:
        """Take frames; no array is made unless a second is over.

        The interval ends at a retune as well: no report is of two grids.
        """
        span, grid = spectrogram.span, spectrogram.grid
        length_ns = round(span.n_ticks * _NS / grid.tick_hz)
        second = (span.utc_ns + length_ns // 2) // _NS
        if grid is not self._grid:
            self._finish()
            self._begin(grid)
        if second != self._second:
            self._finish()
            self._second = second
        n_frames, flags = spectrogram.n_frames, spectrogram.flags
        self._end_ns = span.utc_ns + length_ns
        if not spectrogram.is_whole and np.count_nonzero(flags):
            n_frames -= sum(1 for flag in flags if int(flag) & _UNUSABLE)
            self._n_clipped += sum(
                1 for flag in flags if int(flag) & FrameFlag.CLIPPED and not int(flag) & _UNUSABLE
            )
        self._n_frames += n_frames
        self._add(spectrogram.power_dbfs, flags, int(_UNUSABLE), self._linear, self._sums)

    def take(self) -> RssReport | None:
        """Return the report of the second that has ended since the last call, if one is told."""
        report, self._ready = self._ready, None
        return report

    def _begin(self, grid: Grid) -> None:
        """Lay the subbands over the frequencies from the first bin to the end of the last."""
        n_subbands, bin_hz = self._plan.n_subbands, grid.bin_hz
        low_hz, high_hz = grid.range_hz
        width_hz = (high_hz - low_hz) / max(n_subbands, 1)
        self._grid = grid
        self._edges_hz = tuple(low_hz + k * width_hz for k in range(n_subbands + 1))
        # Rounding must not move the centre of a bin over an edge that it lies on.
        starts = np.searchsorted(grid.freqs_hz, np.array(self._edges_hz) - 1e-6 * bin_hz)
        if n_subbands < 1 or np.any(np.diff(starts) < 1):
            raise ConfigError(
                f"band.subbands is {n_subbands}; the frames have {grid.n_bins} bins, so it must "
                f"be from 1 to {grid.n_bins}, and no subband without a bin"
            )
        self._starts = starts[:-1]
        self._enbw_bins = grid.enbw_bins
        self._clear()

    def _finish(self) -> None:
        if self._n_frames * self._grid.frame_s >= _MIN_SHARE:
            self._ready = self._telling.take(self._report())
        self._clear()

    def _report(self) -> RssReport:
        plan = self._plan
        power = np.add.reduceat(self._sums, self._starts)
        power /= self._n_frames * self._enbw_bins
        offset_db = plan.full_scale_dbm or 0.0
        return RssReport(
            node=plan.node,
            site=plan.site,
            band=plan.band,
            utc_ns=self._end_ns,
            duration_s=round(self._n_frames * self._grid.frame_s, 6),
            edges_hz=self._edges_hz,
            levels_db=tuple(
                round(db_from_ratio(float(ratio)) + offset_db, _DIGITS) for ratio in power
            ),
            level_unit="dBFS" if plan.full_scale_dbm is None else "dBm",
            clipped_share=round(self._n_clipped / self._n_frames, 6),
            n_frames=self._n_frames,
            # Those that are told are numbered.
            sequence=0,
        )

    def _clear(self) -> None:
        self._sums[:] = 0.0
        self._n_frames = 0
        self._n_clipped = 0
        self._end_ns = 0


def _add_plain(
    power_dbfs: FloatArray,
    flags: NDArray[np.uint8],
    unusable: int,
    linear: FloatArray,
    sums: NDArray[np.float64],
) -> None:
    """Add the linear power of every usable row to ``sums``, float64 ``(n_bins,)``."""
    rows = linear[: len(power_dbfs)]
    np.multiply(power_dbfs, _NEPERS_PER_DB, out=rows)
    np.exp(rows, out=rows)
    for row, flag in zip(rows, flags, strict=True):
        if not int(flag) & unusable:
            np.add(sums, row, out=sums)


def _plain() -> _Add:
    return _add_plain


def _compiled() -> _Add:
    from edgespec.dsp import level_loops

    level_loops.load()
    add: Any = level_loops.add_rows
    return add  # type: ignore[no-any-return]


ADDERS: dict[Computing, Callable[[], _Add]] = {
    Computing.COMPILED: _compiled,
    Computing.PLAIN: _plain,
}


def levels_dbfs(target_dbfs: FloatArray, enbw_bins: float) -> tuple[float, float]:
    """Return total power and noise floor of a horizon, in dBFS.

    The total is the sum of the bins over their equivalent noise bandwidth. The floor is the 10th
    percentile of the bins' mean power, per bin.
    """
    power = np.mean(10.0 ** (target_dbfs / 10.0), axis=0)
    total = 10.0 * np.log10(power.sum() / enbw_bins)
    return float(total), float(10.0 * np.log10(np.quantile(power, 0.1)))
