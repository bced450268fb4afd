"""What is left of a cell, on the bins and frames of the segments that the others look at."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.regions import Region
from edgespec.detect.scan.deviation import Deviation
from edgespec.detect.scan.windows import SHORT
from edgespec.grid import Grid
from edgespec.lte.numerology import SLOT_S
from edgespec.records import FloatArray, Geometry

__all__ = ["ResidualMap"]


class ResidualMap:
    """Draws slots and subbands into a map of ``(n_horizon, n_bins)``.

    Args:
        geometry: of the segments.
        freqs_hz: of their bins, offsets from the centre.
    """

    def __init__(self, geometry: Geometry, freqs_hz: NDArray[np.float64]) -> None:
        self._freqs_hz = freqs_hz
        n_horizon = geometry.n_horizon
        self._map_db = np.zeros((n_horizon, geometry.n_bins), np.float32)
        # Which slot, counted from the newest back, each frame of a horizon lies in.
        ages = (n_horizon - 0.5 - np.arange(n_horizon)) * geometry.frame_s / SLOT_S
        self._ages = np.minimum(ages.astype(np.int64), SHORT[-1] - 1)

    def subbands(self, grid: Grid, center_freq_hz: float) -> NDArray[np.intp]:
        """Return which subband of a grid each bin lies in, ``(n_bins,)``."""
        edges_hz = grid.freqs_hz - center_freq_hz + 0.5 * grid.rbw_hz
        return np.minimum(np.searchsorted(edges_hz, self._freqs_hz), grid.n_bins - 1)

    def part(self, region: Region | None, grid: Grid, center_freq_hz: float) -> slice:
        """Return the subbands that a region of bins lies in; all for None."""
        if region is None:
            return slice(None)
        subband = self.subbands(grid, center_freq_hz)
        return slice(int(subband[region.lower_bin]), int(subband[region.upper_bin]) + 1)

    def draw(self, best: Deviation, grid: Grid, center_freq_hz: float) -> FloatArray:
        """Return a deviation in dB over what is expected, 0 outside of its subbands.

        A buffer that the next call overwrites.
        """
        if best.n_slots > self._ages[0]:
            # Too weak for one horizon: the mean over the window says where it is.
            rows_db = best.mean_db()
        else:
            rows_db = best.map_db(int(self._ages[0]) + 1)[self._ages[0] - self._ages]
        subband = self.subbands(grid, center_freq_hz)
        is_inside = (subband >= best.lower) & (subband <= best.upper)
        self._map_db[:] = 0.0
        self._map_db[:, is_inside] = rows_db[:, subband[is_inside]]
        return self._map_db
