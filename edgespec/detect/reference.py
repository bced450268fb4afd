"""Detectors without a model: the band against what it was like while they warmed up."""

import numpy as np

from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment
from edgespec.units import db_from_ratio

__all__ = ["BinEwma", "BinZScore", "EnergyLevel", "RunningStatistics"]

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


class _BandShape:
    """Each bin against the rest of the band, and that against its reference.

    Traffic switches the whole band on and off by 10 dB and more; what is left of a frame when its
    mean over the bins is taken away, ``shape[t, b] = power[t, b] - mean_b power[t, b]`` in dB, does
    not care. A level per bin is made of the shape over the horizon; its mean and standard deviation
    are learnt from the first ``n_warmup`` segments and then kept, so that an interferer that stays
    is seen as long as it stays. ``score = max_b |level_b - mean_b| / std_b``. What changes the
    whole band alike is not seen here but by :class:`EnergyLevel`.
    """

    name: str
    needs_forecast = False

    def __init__(self, geometry: Geometry, n_warmup: int) -> None:
        n_horizon, n_bins = geometry.n_horizon, geometry.n_fft
        self._n_warmup = n_warmup
        self._shape_db = np.empty((n_horizon, n_bins), np.float32)
        self._frame_db = np.empty((n_horizon, 1), np.float32)
        self._mean_shape_db = np.empty(n_bins, np.float32)
        self._level_db = np.zeros(n_bins, np.float32)
        self._distance = np.empty(n_bins, np.float32)
        self._shapes = RunningStatistics(n_bins)
        self._levels = RunningStatistics(n_bins)
        self._expected_db = np.zeros(n_bins, np.float32)
        self._mean_db = np.zeros(n_bins, np.float32)
        self._std_db = np.ones(n_bins, np.float32)

    def reset(self) -> None:
        """Forget the reference and warm up again."""
        self._shapes.clear()
        self._levels.clear()

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the largest deviation and the map of the shape against its mean, in dB."""
        np.mean(segment.target, axis=1, keepdims=True, out=self._frame_db)
        np.subtract(segment.target, self._frame_db, out=self._shape_db)
        np.mean(self._shape_db, axis=0, out=self._mean_shape_db)
        self._update_level()
        if self._levels.count < self._n_warmup:
            self._learn()
            return None
        np.subtract(self._level_db, self._mean_db, out=self._distance)
        np.divide(self._distance, self._std_db, out=self._distance)
        np.abs(self._distance, out=self._distance)
        np.subtract(self._shape_db, self._expected_db, out=self._shape_db)
        return Score(self.name, float(self._distance.max()), self._shape_db)

    def _update_level(self) -> None:
        raise NotImplementedError

    def _learn(self) -> None:
        self._shapes.add(self._mean_shape_db)
        self._levels.add(self._level_db)
        if self._levels.count == self._n_warmup:
            self._expected_db[:] = self._shapes.mean
            self._mean_db[:] = self._levels.mean
            self._std_db[:] = self._levels.spread(SMALLEST_SPREAD_DB)


class BinZScore(_BandShape):
    """The level of a bin is the largest of its shape in the horizon: quick, sees short pulses."""

    name = "zscore"

    def _update_level(self) -> None:
        np.max(self._shape_db, axis=0, out=self._level_db)


class BinEwma(_BandShape):
    """The level of a bin is an exponentially weighted moving average of its mean shape.

    A control chart: ``level += weight * (mean shape - level)`` (Roberts 1959). Traffic that comes
    and goes in single resource blocks averages out over 32 segments; what stays on the air stands
    out.
    """

    name = "ewma"
    #: Weight of the newest segment.
    weight = 1.0 / 32.0

    def _update_level(self) -> None:
        if self._levels.count == 0:
            self._level_db[:] = self._mean_shape_db
            return
        np.subtract(self._mean_shape_db, self._level_db, out=self._distance)
        np.multiply(self._distance, np.float32(self.weight), out=self._distance)
        np.add(self._level_db, self._distance, out=self._level_db)
