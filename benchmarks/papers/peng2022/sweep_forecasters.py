"""Forecasters of the next sweep, from means to learnt weights.

Each is fitted to the beginnings of blocks, and then says of every sweep of a block what it expects
of it by those before it. Means over the last sweeps need no fitting.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from benchmarks.papers.peng2022.sweep_features import N_BEFORE, decayed_mean, features
from edgespec.records import FloatArray

__all__ = [
    "Averaged",
    "Factors",
    "Fixed",
    "ForEachPoint",
    "Learnt",
    "SweepForecaster",
    "Unbiased",
    "decayed",
    "last",
    "mean_of",
    "median_of",
    "mixed",
]


class SweepForecaster(Protocol):
    """Expects the next sweep."""

    def fit(self, blocks: Sequence[FloatArray]) -> None:
        """Learn from the beginnings ``(n_sweeps, n_points)`` of blocks, and forget the last fit."""
        ...

    def expect(self, block: FloatArray) -> FloatArray:
        """Return what is expected of each sweep by those before it, the shape of ``block``.

        The first :data:`N_BEFORE` rows are not to be used: too little is before them.
        """
        ...


class Fixed:
    """A function of the block that has nothing to learn."""

    def __init__(self, expect: Callable[[FloatArray], FloatArray]) -> None:
        self._expect = expect

    def fit(self, blocks: Sequence[FloatArray]) -> None:
        """Learn nothing."""

    def expect(self, block: FloatArray) -> FloatArray:
        """Return what the function expects."""
        return self._expect(block)


def last(block: FloatArray) -> FloatArray:
    """Return the sweep before each."""
    return np.concatenate([block[:1], block[:-1]])


def mean_of(n_sweeps: int) -> Callable[[FloatArray], FloatArray]:
    """Return the mean of up to so many sweeps before each."""
    return lambda block: _over_last(block, n_sweeps, np.mean)


def median_of(n_sweeps: int) -> Callable[[FloatArray], FloatArray]:
    """Return the median of up to so many sweeps before each."""
    return lambda block: _over_last(block, n_sweeps, np.median)


def _over_last(block: FloatArray, n_sweeps: int, pool: Callable[..., FloatArray]) -> FloatArray:
    rows = [block[0]]
    rows += [pool(block[max(t - n_sweeps, 0) : t], axis=0) for t in range(1, len(block))]
    return np.array(rows, np.float32)


def decayed(weight: float) -> Callable[[FloatArray], FloatArray]:
    """Return the mean of all sweeps before each: every one counts ``1 - weight`` of the next."""
    return lambda block: decayed_mean(block, weight)


def mixed(n_sweeps: int, share: float) -> Callable[[FloatArray], FloatArray]:
    """Return the mean of the last sweeps, drawn by ``share`` towards that of the block so far."""
    short, long = mean_of(n_sweeps), mean_of(10_000)
    return lambda block: np.float32(1.0 - share) * short(block) + np.float32(share) * long(block)


class ForEachPoint:
    """For each point a mixture of some forecasters: those that erred least there count most.

    Errors ``e`` of a point are drawn towards those of all points, which count as ``n_drawn``
    sweeps; a forecaster then counts ``exp(-sharpness (e / least e - 1))``: with an infinite
    sharpness the best one alone.
    """

    def __init__(
        self,
        kinds: Sequence[Callable[[FloatArray], FloatArray]],
        n_drawn: float,
        sharpness: float = np.inf,
    ) -> None:
        self._kinds = kinds
        self._n_drawn = n_drawn
        self._sharpness = sharpness
        self._shares: FloatArray = np.empty((0, 0), np.float32)

    def fit(self, blocks: Sequence[FloatArray]) -> None:
        """Find how much each counts at each point."""
        errors = []
        for expect in self._kinds:
            own = np.concatenate([np.abs(b - expect(b))[N_BEFORE:] for b in blocks])
            share = len(own) / (len(own) + self._n_drawn)
            errors.append(share * own.mean(axis=0) + (1.0 - share) * own.mean())
        least = np.min(errors, axis=0)
        if np.isinf(self._sharpness):
            counts = (np.argmin(errors, axis=0) == np.arange(len(errors))[:, None]).astype(float)
        else:
            counts = np.exp(-self._sharpness * (np.array(errors) / least - 1.0))
        self._shares = np.asarray(counts / counts.sum(axis=0), np.float32)

    def expect(self, block: FloatArray) -> FloatArray:
        """Return the mixture."""
        total = np.zeros(block.shape, np.float32)
        for expect, share in zip(self._kinds, self._shares, strict=True):
            total += share * expect(block)
        return total


class Averaged:
    """The mean of what some others expect."""

    def __init__(self, others: Sequence[SweepForecaster]) -> None:
        self._others = others

    def fit(self, blocks: Sequence[FloatArray]) -> None:
        """Fit all of them."""
        for other in self._others:
            other.fit(blocks)

    def expect(self, block: FloatArray) -> FloatArray:
        """Return the mean."""
        mean: FloatArray = np.mean([one.expect(block) for one in self._others], axis=0)
        return mean


class Unbiased:
    """Another forecaster and the median of what it was off by, drawn towards that of all points.

    Levels in dB of noise power are skewed: their mean is not what is nearest to most of them.
    """

    def __init__(self, inner: SweepForecaster, n_drawn: float) -> None:
        self._inner = inner
        self._n_drawn = n_drawn
        self._offset_db: FloatArray = np.zeros(1, np.float32)

    def fit(self, blocks: Sequence[FloatArray]) -> None:
        """Fit the other one, and learn its offsets."""
        self._inner.fit(blocks)
        errors = np.concatenate([(b - self._inner.expect(b))[N_BEFORE:] for b in blocks])
        share = len(errors) / (len(errors) + self._n_drawn)
        own, common = np.median(errors, axis=0), np.median(errors)
        self._offset_db = np.asarray(share * own + (1.0 - share) * common, np.float32)

    def expect(self, block: FloatArray) -> FloatArray:
        """Return the other one's forecast with the offsets."""
        return self._inner.expect(block) + self._offset_db


class Factors:
    """The decayed mean, and what a few shapes of all points add to it from sweep to sweep.

    The shapes are the principal components of sweeps less their mean; each goes on by a share of
    where it is, which is fitted.
    """

    def __init__(self, weight: float, n_factors: int) -> None:
        self._mean = decayed(weight)
        self._n_factors = n_factors
        self._shapes: FloatArray = np.zeros((0, 0), np.float32)
        self._shares: FloatArray = np.zeros(0, np.float32)

    def fit(self, blocks: Sequence[FloatArray]) -> None:
        """Find the shapes, and how much of each stays."""
        rest = np.concatenate([(b - self._mean(b))[N_BEFORE:] for b in blocks])
        self._shapes = np.linalg.svd(rest, full_matrices=False)[2][: self._n_factors]
        before, after = [], []
        for block in blocks:
            scores = (block - self._mean(block))[N_BEFORE:] @ self._shapes.T
            before.append(scores[:-1])
            after.append(scores[1:])
        x, y = np.concatenate(before), np.concatenate(after)
        self._shares = np.sum(x * y, axis=0) / np.sum(x * x, axis=0)

    def expect(self, block: FloatArray) -> FloatArray:
        """Return mean and factors."""
        mean = self._mean(block)
        scores = last((block - mean) @ self._shapes.T)
        scores[0] = 0.0
        return mean + (self._shares * scores) @ self._shapes


class Regresses(Protocol):
    """A regression with the interface of scikit-learn."""

    def fit(self, inputs: FloatArray, outputs: FloatArray, /) -> object:
        """Learn outputs ``(n,)`` from inputs ``(n, n_features)``."""
        ...

    def predict(self, inputs: FloatArray, /) -> FloatArray:
        """Return outputs ``(n,)``."""
        ...


class Learnt:
    """The decayed mean, and what a regression makes of the features of a point.

    Args:
        regression: makes a new one; all points share it.
        n_rows: that it is fitted to at most, drawn at random.
    """

    def __init__(self, regression: Callable[[], Regresses], n_rows: int = 50_000) -> None:
        self._make = regression
        self._n_rows = n_rows
        self._fitted: Regresses | None = None

    def fit(self, blocks: Sequence[FloatArray]) -> None:
        """Fit the regression to what sweeps are beyond the mean."""
        inputs, outputs = [], []
        for block in blocks:
            mean, found = features(block)
            inputs.append(found[N_BEFORE:].reshape(-1, found.shape[-1]))
            outputs.append((block - mean)[N_BEFORE:].ravel())
        x, y = np.concatenate(inputs), np.concatenate(outputs)
        some = np.random.default_rng(20261129).permutation(len(x))[: self._n_rows]
        self._fitted = self._make()
        self._fitted.fit(x[some], y[some])

    def expect(self, block: FloatArray) -> FloatArray:
        """Return mean and regression."""
        if self._fitted is None:
            raise ValueError("a regression was asked for before it was fitted")
        mean, found = features(block)
        beyond = self._fitted.predict(found.reshape(-1, found.shape[-1]))
        return mean + np.asarray(beyond, np.float32).reshape(block.shape)
