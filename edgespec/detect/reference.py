"""Detectors without a model: the band against what it was like while they warmed up."""

import numpy as np

from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment
from edgespec.units import db_from_ratio

__all__ = ["BinZScore", "EnergyLevel", "RunningStatistics"]

#: Spread below which a reference is not believed: a quantised or simulated signal can repeat
#: itself exactly, and a fluctuation of a hundredth of a dB is not news on any receiver.
SMALLEST_SPREAD_DB = 0.1


class RunningStatistics:
    """Mean and standard deviation of vectors, updated in place (Welford 1962).

    Args:
        n_values: length of each vector.
    """

    def __init__(self, n_values: int) -> None:
        self.count = 0
        self.mean = np.zeros(n_values)
        self._sum_squares = np.zeros(n_values)
        self._delta = np.empty(n_values)
        self._product = np.empty(n_values)

    def clear(self) -> None:
        """Forget every vector."""
        self.count = 0
        self.mean[:] = 0.0
        self._sum_squares[:] = 0.0

    def add(self, values: FloatArray) -> None:
        """Take one vector ``(n_values,)``."""
        self.count += 1
        np.subtract(values, self.mean, out=self._delta)
        np.divide(self._delta, self.count, out=self._product)
        np.add(self.mean, self._product, out=self.mean)
        np.subtract(values, self.mean, out=self._product)
        np.multiply(self._delta, self._product, out=self._product)
        np.add(self._sum_squares, self._product, out=self._sum_squares)

    def spread(self, smallest: float) -> FloatArray:
        """Return the sample standard deviation float32 ``(n_values,)``, at least ``smallest``."""
        variance = self._sum_squares / max(self.count - 1, 1)
        return np.maximum(np.sqrt(variance), smallest).astype(np.float32)


class EnergyLevel:
    """Total power of the horizon against its reference: ``|level - mean| / std``.

    The level is the mean linear power over the horizon and the bins, in dB. The reference is
    learnt from the first ``n_warmup`` segments and then kept. It says that the power changed,
    not where: there is no error map.
    """

    name = "energy"
    needs_forecast = False

    def __init__(self, geometry: Geometry, n_warmup: int) -> None:
        self._n_warmup = n_warmup
        self._linear = np.empty((geometry.n_horizon, geometry.n_fft), np.float32)
        self._level = np.empty(1, np.float32)
        self._statistics = RunningStatistics(1)
        self._std_db = 1.0

    def reset(self) -> None:
        """Forget the reference and warm up again."""
        self._statistics.clear()

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the distance from the reference in standard deviations, None in warm-up."""
        np.multiply(segment.target, np.float32(np.log(10.0) / 10.0), out=self._linear)
        np.exp(self._linear, out=self._linear)
        self._level[0] = db_from_ratio(float(self._linear.mean()))
        if self._statistics.count < self._n_warmup:
            self._statistics.add(self._level)
            if self._statistics.count == self._n_warmup:
                self._std_db = float(self._statistics.spread(SMALLEST_SPREAD_DB)[0])
            return None
        distance_db = abs(float(self._level[0]) - float(self._statistics.mean[0]))
        return Score(self.name, distance_db / self._std_db)


class BinZScore:
    """Largest deviation of any bin from its reference: ``max_b |mean_t(target) - mean_b| / std_b``.

    ``mean_b`` and ``std_b`` of the horizon's mean level per bin, in dB, are learnt from the first
    ``n_warmup`` segments and then kept: an interferer that stays is seen as long as it stays.
    """

    name = "zscore"
    needs_forecast = False

    def __init__(self, geometry: Geometry, n_warmup: int) -> None:
        n_bins = geometry.n_fft
        self._n_warmup = n_warmup
        self._error_db = np.empty((geometry.n_horizon, n_bins), np.float32)
        self._level_db = np.empty(n_bins, np.float32)
        self._statistics = RunningStatistics(n_bins)
        self._mean_db = np.zeros(n_bins, np.float32)
        self._std_db = np.ones(n_bins, np.float32)

    def reset(self) -> None:
        """Forget the reference and warm up again."""
        self._statistics.clear()

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the largest deviation in standard deviations and the map against the mean."""
        np.mean(segment.target, axis=0, out=self._level_db)
        if self._statistics.count < self._n_warmup:
            self._statistics.add(self._level_db)
            if self._statistics.count == self._n_warmup:
                self._mean_db[:] = self._statistics.mean
                self._std_db[:] = self._statistics.spread(SMALLEST_SPREAD_DB)
            return None
        np.subtract(segment.target, self._mean_db, out=self._error_db)
        np.subtract(self._level_db, self._mean_db, out=self._level_db)
        np.divide(self._level_db, self._std_db, out=self._level_db)
        np.abs(self._level_db, out=self._level_db)
        return Score(self.name, float(self._level_db.max()), self._error_db)
