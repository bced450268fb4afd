"""Detectors without a model: the band against what it was like while they warmed up."""

from abc import ABC, abstractmethod

import numpy as np

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment
from edgespec.units import db_from_ratio

__all__ = ["BinEwma", "BinZScore", "EnergyLevel", "RunningStatistics", "shrunk_spread"]

#: Spread below which a reference is not believed: a quantised or simulated signal can repeat
#: itself exactly, and a fluctuation of a hundredth of a dB is not news on any receiver.
SMALLEST_SPREAD_DB = 0.1
#: Worth of the prior of a bin's spread, in segments.
PRIOR_SEGMENTS = 20


class RunningStatistics:
    """Mean and standard deviation of vectors, updated in place (Welford 1962).

    Args:
        n_values: length of each vector.
        arithmetic: how it is computed.
    """

    def __init__(self, n_values: int, arithmetic: Arithmetic = plain) -> None:
        self.count = 0
        self.mean = np.zeros(n_values)
        self._sum_squares = np.zeros(n_values)
        self._scratch = np.empty((2, n_values))
        self._learn_mean = arithmetic.learn_mean

    def clear(self) -> None:
        """Forget every vector."""
        self.count = 0
        self.mean[:] = 0.0
        self._sum_squares[:] = 0.0

    def add(self, values: FloatArray) -> None:
        """Take one vector ``(n_values,)``."""
        self.add_mean(values.reshape(1, -1))

    def add_mean(self, rows: FloatArray) -> None:
        """Take the mean over the rows of ``(n_rows, n_values)`` as one vector."""
        self.count += 1
        self._learn_mean(rows, self.count, self.mean, self._sum_squares, self._scratch)

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

    def __init__(self, geometry: Geometry, n_warmup: int, arithmetic: Arithmetic = plain) -> None:
        self._n_warmup = n_warmup
        self._mean_power = arithmetic.mean_power
        self._linear = np.empty((geometry.n_horizon, geometry.n_bins), np.float32)
        self._level = np.empty(1, np.float32)
        self._statistics = RunningStatistics(1)
        self._mean_db, self._std_db = 0.0, 1.0
        self._is_settled = False

    def reset(self) -> None:
        """Forget the reference and warm up again."""
        self._statistics.clear()
        self._is_settled = False

    def settle(self) -> None:
        """Keep what was learnt as the reference from now on."""
        if not self._is_settled:
            self._mean_db = float(self._statistics.mean[0])
            self._std_db = float(self._statistics.spread(SMALLEST_SPREAD_DB)[0])
            self._is_settled = True

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the distance from the reference in standard deviations, None in warm-up."""
        level_db = db_from_ratio(self._mean_power(segment.target, self._linear))
        if not self._is_settled:
            self._level[0] = level_db
            self._statistics.add(self._level)
            if self._statistics.count == self._n_warmup:
                self.settle()
            return None
        return Score(self.name, abs(level_db - self._mean_db) / self._std_db)


def shrunk_spread(spread_db: FloatArray, n_segments: int) -> FloatArray:
    """Return spreads drawn towards the median one of their row, the more the fewer segments.

    ``var = ((n - 1) s^2 + n_0 median(s)^2) / (n - 1 + n_0)``: the mean of a variance whose prior
    is worth ``n_0`` = 20 segments. From a short warm-up some of many spreads come out far too
    small, and the largest deviation would always be theirs.

    Args:
        spread_db: ``(n_rows, n_bins)`` standard deviations from ``n_segments`` each.
        n_segments: at least 2.
    """
    median_db = np.median(spread_db, axis=1, keepdims=True)
    n_known = n_segments - 1
    variance = (n_known * spread_db**2 + PRIOR_SEGMENTS * median_db**2) / (n_known + PRIOR_SEGMENTS)
    return np.sqrt(variance).astype(np.float32)


class _BandShape(ABC):
    """Each bin against the rest of the band, and that against its reference.

    Traffic switches the whole band on and off by 10 dB and more; what is left of a frame when its
    mean over the bins is taken away, ``shape[t, b] = power[t, b] - mean_b power[t, b]`` in dB, does
    not care. Levels are made of the shape over the horizon; their mean and standard deviation are
    learnt from the first ``n_warmup`` segments and then kept, so that an interferer that stays is
    seen as long as it stays. ``score = max |level - mean| / std``, with :func:`shrunk_spread`. What
    changes the whole band alike is not seen here but by :class:`EnergyLevel`.
    """

    name: str
    needs_forecast = False
    #: How many levels there are of each bin.
    levels_per_bin = 1

    def __init__(self, geometry: Geometry, n_warmup: int, arithmetic: Arithmetic = plain) -> None:
        n_horizon, n_bins = geometry.n_horizon, geometry.n_bins
        n_levels = self.levels_per_bin * n_bins
        self._n_warmup = n_warmup
        self._shape_extremes = arithmetic.shape_extremes
        self._shape_mean = arithmetic.shape_mean
        self._farthest = arithmetic.farthest
        self._shape_db = np.empty((n_horizon, n_bins), np.float32)
        self._frame_db = np.empty((n_horizon, 1), np.float32)
        self._shapes = RunningStatistics(n_bins, arithmetic)
        # Zero while the shape is learnt.
        self._expected_db = np.zeros(n_bins, np.float32)
        self._levels_db = np.zeros((self.levels_per_bin, n_bins), np.float32)
        self._distance = np.empty_like(self._levels_db)
        self._levels = RunningStatistics(n_levels, arithmetic)
        self._mean_db = np.zeros_like(self._levels_db)
        self._std_db = np.ones_like(self._levels_db)
        self._is_settled = False

    def reset(self) -> None:
        """Forget the reference and warm up again."""
        self._is_settled = False
        self._shapes.clear()
        self._levels.clear()
        self._expected_db[:] = 0.0

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the largest deviation and the map of the shape against its mean, in dB."""
        self._update_levels(segment.target)
        if not self._is_settled:
            self._learn()
            return None
        # A smallest level that falls is a gap in the traffic; only one that rises is filled, so
        # the second row counts with its sign.
        distance = self._farthest(self._levels_db, self._mean_db, self._std_db, self._distance)
        return Score(self.name, distance, self._shape_db)

    @abstractmethod
    def _update_levels(self, target_db: FloatArray) -> None:
        """Make the levels of a new horizon, and the map of its shape against the mean one."""

    def _learn(self) -> None:
        self._shapes.add_mean(self._shape_db)
        self._levels.add(self._levels_db.reshape(-1))
        if self._levels.count == self._n_warmup:
            self.settle()

    def settle(self) -> None:
        """Keep what was learnt as the reference from now on."""
        if self._is_settled:
            return
        self._expected_db[:] = self._shapes.mean
        self._mean_db.reshape(-1)[:] = self._levels.mean
        spread_db = self._levels.spread(SMALLEST_SPREAD_DB).reshape(self._std_db.shape)
        self._std_db[:] = shrunk_spread(spread_db, self._levels.count)
        self._is_settled = True


class BinZScore(_BandShape):
    """Levels of a bin are the largest and the smallest of its shape in the horizon.

    The largest sees short pulses and sweeps at once; the smallest rises when something fills the
    gaps that traffic leaves.
    """

    name = "zscore"
    levels_per_bin = 2

    def _update_levels(self, target_db: FloatArray) -> None:
        self._shape_extremes(
            target_db, self._expected_db, self._shape_db, self._levels_db, self._frame_db
        )


class BinEwma(_BandShape):
    """The level of a bin is an exponentially weighted moving average of its mean shape.

    A control chart: ``level += weight * (mean shape - level)`` (Roberts 1959). Traffic that comes
    and goes in single resource blocks averages out over 32 segments; what stays on the air stands
    out.
    """

    name = "ewma"
    #: Weight of the newest segment.
    weight = 1.0 / 32.0

    def _update_levels(self, target_db: FloatArray) -> None:
        level_db, step_db = self._levels_db[0], self._distance[0]
        self._shape_mean(target_db, self._expected_db, self._shape_db, step_db, self._frame_db)
        if self._levels.count == 0:
            level_db[:] = step_db
            return
        np.subtract(step_db, level_db, out=step_db)
        np.multiply(step_db, np.float32(self.weight), out=step_db)
        np.add(level_db, step_db, out=level_db)
