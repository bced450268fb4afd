"""Constant false-alarm rate detectors along frequency: a bin against its neighbours."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from converter.baselines.normal_range import NormalRange
from converter.baselines.segments import Segments
from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["Cfar", "cell_average", "ordered_statistic", "reference_cells"]

#: Reference cells on each side of a bin, and guard cells between: a tone under a Hann taper
#: reaches one bin to each side.
_REFERENCE, _GUARD = 6, 2
#: Rank of the ordered statistic as a share of the cells (Rohling 1983, sec. V).
_RANK = 0.75
#: Spread that is added to what was learnt, so that a bin that hardly moved is not believed.
_SMALLEST_STD_DB = 0.3


def cell_average(cells: FloatArray) -> FloatArray:
    """Return the mean of the cells' linear powers (Finn and Johnson 1968)."""
    mean: FloatArray = cells.mean(axis=-1)
    return mean


def ordered_statistic(cells: FloatArray) -> FloatArray:
    """Return the ``0.75 N``-th smallest of the ``N`` cells' linear powers (Rohling 1983)."""
    rank = round(_RANK * cells.shape[-1]) - 1
    statistic: FloatArray = np.partition(cells, rank, axis=-1)[..., rank]
    return statistic


def reference_cells(power: FloatArray) -> FloatArray:
    """Return the neighbours of every bin, ``(n, n_bins)`` -> ``(n, n_bins, 12)``.

    The band is reflected at its ends.
    """
    reach = _REFERENCE + _GUARD
    padded = np.pad(power, ((0, 0), (reach, reach)), mode="reflect")
    around = sliding_window_view(padded, 2 * reach + 1, axis=1)
    return np.concatenate([around[..., :_REFERENCE], around[..., -_REFERENCE:]], axis=-1)


class Cfar:
    """``max_b (excess_b - mean_b) / std_b`` of the horizon's mean spectrum.

    The excess of a bin is its power over the noise that ``noise`` finds in its neighbours, in dB.
    Its normal range is learnt for every bin, because the edges of a signal stand out always.
    """

    needs_iq = False

    def __init__(self, noise: Callable[[FloatArray], FloatArray]) -> None:
        self._noise = noise
        self._range: NormalRange | None = None

    def fit(self, normal: Segments) -> None:
        """Learn the normal excess of every bin."""
        self._range = NormalRange.of(self._excess_db(normal), _SMALLEST_STD_DB)

    def score(self, segments: Segments) -> FloatArray:
        """Return the largest excess in standard deviations above its normal one."""
        if self._range is None:
            raise UsageError("a CFAR detector was asked for before fit: call fit first")
        largest: FloatArray = self._range.distance(self._excess_db(segments)).max(axis=1)
        return largest

    def _excess_db(self, segments: Segments) -> FloatArray:
        excess = np.empty((len(segments), segments.geometry.n_bins), np.float32)
        for where, chunk in segments.chunks():
            # Against the strongest bin, so that no level is too small for float32.
            level_db = chunk.target.max(axis=(1, 2), keepdims=True)
            linear = np.exp((chunk.target - level_db) * np.float32(np.log(10.0) / 10.0))
            power = np.maximum(linear.mean(axis=1), np.float32(1e-20))
            excess[where] = 10.0 * np.log10(power / self._noise(reference_cells(power)))
        return excess
