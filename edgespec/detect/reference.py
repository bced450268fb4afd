"""Detectors without a model: the band against what it was like while they warmed up."""

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.records import FloatArray, Forecast, Geometry, Score, Segment
from edgespec.reference import Reference, filled
from edgespec.units import db_from_ratio

__all__ = ["BinEwma", "BinZScore", "EnergyLevel", "RunningStatistics", "shrunk_spread"]

#: Spread below which a reference is not believed: a quantised or simulated signal can repeat
#: itself exactly, and a fluctuation of a hundredth of a dB is not news on any receiver.
SMALLEST_SPREAD_DB = 0.1
#: Weight of the newest segment in the level that lasts, and the shortest warm-up that knows it.
LASTING_WEIGHT, FEWEST_LASTING = 1.0 / 8.0, 256
#: Largest spread of a level that no traffic moves.
STEADY_DB = 1.0
#: After a step of the gain the reference settles within so many segments and so many dB.
SEGMENTS_TO_SETTLE, LOOSE_DB = 8, 0.5
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


class _Level:
    """One level against its reference; see :class:`EnergyLevel`.

    Attributes:
        is_settled: whether the reference is learnt.
        is_steady: whether the level hardly moved meanwhile: there is no traffic that would.
    """

    def __init__(self, n_warmup: int) -> None:
        self._learnt_db = np.empty((2, n_warmup))
        self._count = 0
        self._is_settled = False
        self._mean_db = self._now_db = 0.0
        self._spread_db = self._lasting_spread_db = (0.0, 0.0)
        self._n_loose = 0
        self.is_settled = self.is_steady = False

    def clear(self) -> None:
        """Forget the reference."""
        self._count = self._n_loose = 0
        self.is_settled = False

    def follow(self, step_db: float) -> None:
        """Move the reference; the next segments say by how much exactly."""
        self._mean_db += step_db
        self._now_db = self._mean_db
        self._n_loose = SEGMENTS_TO_SETTLE

    def reference(self) -> NDArray[np.float64]:
        """Return mean, the two spreads, the two of what lasts, and 1 where it is steady."""
        spreads_db = (*self._spread_db, *self._lasting_spread_db)
        return np.array([self._mean_db, *spreads_db, float(self.is_steady)])

    def take_reference(self, values: NDArray[np.float64]) -> None:
        """Go by what another level learnt."""
        self._mean_db, up_db, down_db, lasting_up_db, lasting_down_db, is_steady = values.tolist()
        self._now_db = self._mean_db
        self._spread_db, self._lasting_spread_db = (
            (up_db, down_db),
            (lasting_up_db, lasting_down_db),
        )
        self.is_steady, self.is_settled, self._n_loose = bool(is_steady), True, 0

    def score(self, level_db: float) -> float | None:
        """Return the distance in spreads; None in the warm-up."""
        if not self.is_settled:
            self._learn(level_db)
            return None
        self._now_db += LASTING_WEIGHT * (level_db - self._now_db)
        if self._n_loose:
            self._come_to_rest(level_db)
        mean_db = self._mean_db
        at_once = _distance(level_db - mean_db, self._spread_db)
        lasting = _distance(self._now_db - mean_db, self._lasting_spread_db)
        return at_once if lasting <= at_once else min(lasting, 2.0 * at_once)

    def _learn(self, level_db: float) -> None:
        if self._count == 0:
            self._now_db = level_db
        self._now_db += LASTING_WEIGHT * (level_db - self._now_db)
        self._learnt_db[:, self._count] = level_db, self._now_db
        self._count += 1
        if self._count == self._learnt_db.shape[1]:
            self.settle()

    def _come_to_rest(self, level_db: float) -> None:
        """Move the reference to the level behind a step, the less the more segments came."""
        self._n_loose -= 1
        off_db = min(max(level_db - self._mean_db, -LOOSE_DB), LOOSE_DB)
        self._mean_db += off_db / (SEGMENTS_TO_SETTLE - self._n_loose)
        self._now_db = self._mean_db

    def settle(self) -> None:
        """Keep what was learnt as the reference."""
        if self.is_settled or not self._count:
            return
        self.is_settled = True
        levels_db, lasting_db = self._learnt_db[:, : self._count]
        self._mean_db = float(levels_db.mean())
        up_db, down_db = _spreads(levels_db - self._mean_db)
        self._spread_db = self._lasting_spread_db = up_db, down_db
        self.is_steady = max(up_db, down_db) <= STEADY_DB
        if len(levels_db) >= FEWEST_LASTING:
            up, down = _spreads(lasting_db[round(2.0 / LASTING_WEIGHT) :] - self._mean_db)
            self._lasting_spread_db = max(up, 0.6 * up_db), max(down, 0.6 * down_db)


def _distance(above_db: float, spreads_db: tuple[float, float]) -> float:
    up_db, down_db = spreads_db
    return above_db / up_db if above_db >= 0.0 else -above_db / down_db


def _spreads(above_db: NDArray[np.float64]) -> tuple[float, float]:
    """Return the spread upwards, of the upper half where it is the smaller one, and downwards."""
    std_db = math.sqrt(float(np.sum(above_db**2)) / max(len(above_db) - 1, 1))
    upper_db = math.sqrt(float(np.mean(np.maximum(above_db, 0.0) ** 2)) * 2.0)
    return max(min(upper_db, std_db), SMALLEST_SPREAD_DB), max(std_db, SMALLEST_SPREAD_DB)


class EnergyLevel:
    """Power of the horizon against its reference: ``|level - mean| / std``.

    There are two levels, and the farther one counts: the mean linear power over the horizon and
    the bins, in dB, which a strong carrier makes, and the mean of the dB, which most bins make;
    the latter only where it is steady, since traffic moves it more. The references are learnt from
    the first ``n_warmup`` segments and then kept. Upwards the spread may be smaller,
    ``std^2 = 2 mean(max(level - mean, 0)^2)``: traffic falls silent by 10 dB and more, but a full
    cell has no more to send, so what is well above it is no traffic.

    What lasts is told from traffic by its mean: an exponentially weighted one over 8 segments is
    scored by its own spread, of at least 0.6 of the other, and counts as far as the newest
    segment bears it out: up to twice the latter's score. So it is forgotten when that is.

    It says that the power changed, not where: there is no error map.
    """

    name = "energy"
    needs_forecast = False

    def __init__(self, geometry: Geometry, n_warmup: int, arithmetic: Arithmetic = plain) -> None:
        self._mean_power = arithmetic.mean_power
        self._linear = np.empty((geometry.n_horizon, geometry.n_bins), np.float32)
        self._power, self._most_bins = _Level(n_warmup), _Level(n_warmup)

    def reset(self) -> None:
        """Forget the references and warm up again."""
        self._power.clear()
        self._most_bins.clear()

    def settle(self) -> None:
        """Keep what was learnt as the reference from now on."""
        self._power.settle()
        self._most_bins.settle()

    def follow(self, step_db: float) -> None:
        """Move the references by a step of the gain."""
        self._power.follow(step_db)
        self._most_bins.follow(step_db)

    def reference(self) -> Reference:
        """Return those of both levels."""
        if not self._power.is_settled:
            return {}
        return {"levels": np.stack([self._power.reference(), self._most_bins.reference()])}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt."""
        levels = np.empty((2, 6))
        filled(levels, reference["levels"])
        self._power.take_reference(levels[0])
        self._most_bins.take_reference(levels[1])

    def score(self, segment: Segment, forecast: Forecast | None) -> Score | None:
        """Return the distance from the reference in standard deviations, None in warm-up."""
        target_db = segment.target
        power = self._power.score(db_from_ratio(self._mean_power(target_db, self._linear)))
        most_bins: float | None = 0.0
        # Where traffic moves it, its mean is not worth computing.
        if not self._most_bins.is_settled or self._most_bins.is_steady:
            most_bins = self._most_bins.score(float(target_db.mean()))
        if power is None or most_bins is None:
            return None
        return Score(self.name, max(power, most_bins))


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

    def follow(self, step_db: float) -> None:  # noqa: B027 (nothing is its meaning)
        """Nothing changes: the shape is what is left without the level."""

    def reference(self) -> Reference:
        """Return the mean shape, and mean and spread of the levels."""
        if not self._is_settled:
            return {}
        both = np.stack([self._mean_db, self._std_db])
        return {"expected_db": self._expected_db.copy(), "levels_db": both}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt; what remembers begins with its mean."""
        both = np.empty((2, *self._mean_db.shape), np.float32)
        filled(both, reference["levels_db"])
        filled(self._expected_db, reference["expected_db"])
        self._mean_db[:], self._std_db[:] = both
        self._levels_db[:] = self._mean_db
        self._levels.count = self._n_warmup
        self._is_settled = True

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
