"""A scan of the spectrogram after SumThreshold, which radio astronomers flag interference with."""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment

__all__ = ["LENGTHS", "RHO", "SumThreshold", "sum_threshold"]

#: Frames or bins that are looked at together, and by what share a threshold falls each time that
#: their number doubles (Offringa et al. 2010, sec. 2.3).
LENGTHS = (1, 2, 4, 8, 16, 32)
RHO = 1.5
_LEAST_SPREAD_DB = 0.3


def sum_threshold(deviation: NDArray[np.float32]) -> float:
    """Return the largest first threshold at which SumThreshold would flag anything.

    ``max over M of max over runs of M (mean deviation) * rho ** log2(M)``: a run of M is flagged
    where its mean lies above ``chi_1 / rho ** log2(M)``. Runs go along time and along frequency.

    Args:
        deviation: ``(n_frames, n_bins)`` in deviations of each bin.
    """
    most = -np.inf
    for axis in (0, 1):
        sums = np.cumsum(deviation, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        for number, length in enumerate(LENGTHS):
            n_runs = deviation.shape[axis] - length + 1
            if n_runs < 1:
                break
            runs = sums.take(range(length, length + n_runs), axis)
            runs = runs - sums.take(range(n_runs), axis)
            most = max(most, float(runs.max()) / length * RHO**number)
    return most


class SumThreshold:
    """:func:`sum_threshold` of the shape of a horizon, in deviations of what a site showed.

    The shape is a frame in dB less its mean, as for ``zscore``. Median and spread of every bin,
    ``1.4826 MAD``, come from the first ``n_warmup`` segments.

    Args:
        geometry: of the segments.
        n_warmup: segments to learn from.
    """

    name = "sum-threshold"
    needs_forecast = False

    def __init__(self, geometry: Geometry, n_warmup: int) -> None:
        self._n_warmup = max(n_warmup, 1)
        self._n_bins = geometry.n_bins
        self.reset()

    def reset(self) -> None:
        """Forget the site."""
        self._learnt: list[FloatArray] = []
        self._usual_db = np.zeros(self._n_bins, np.float32)
        self._spread_db = np.zeros(self._n_bins, np.float32)
        self._is_settled = False

    def settle(self) -> None:
        """Keep what was learnt, if there was anything."""
        if self._is_settled or not self._learnt:
            return
        shape_db = np.concatenate(self._learnt)
        self._usual_db = np.median(shape_db, axis=0)
        apart_db = np.median(np.abs(shape_db - self._usual_db), axis=0)
        self._spread_db = np.maximum(np.float32(1.4826) * apart_db, np.float32(_LEAST_SPREAD_DB))
        self._learnt, self._is_settled = [], True

    def follow(self, step_db: float) -> None:
        """Nothing changes: the shape is what is left without the level."""

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the score, None while the site is learnt."""
        target_db = segment.target
        shape_db = target_db - target_db.mean(axis=1, keepdims=True)
        if not self._is_settled:
            self._learnt.append(shape_db)
            if len(self._learnt) >= self._n_warmup:
                self.settle()
            return None
        deviation = (shape_db - self._usual_db) / self._spread_db
        return Score(self.name, sum_threshold(deviation), shape_db)
