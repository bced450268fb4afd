"""A last layer that fits one place better, from little of its signal and in closed form.

What the old layer leaves, ``r(h, b) = measured - expected`` over a horizon of frames and bins, is
rotated along the frames by an orthonormal cosine transform: its first order is the mean over the
horizon, where the shape of a place lies, the others are how it moves. Every order is fitted by
ridge regression on the layer's features ``z``, each pulled towards what there was as firmly as
suits it: what is common to 25 frames is known 25 times as soon.

``min over D, d: sum_n w_n^2 |r_n - z_n D - d|^2 + l2 |D - D0|^2`` (Hoerl and Kennard 1970). ``D0``
is nothing, or the slope and the offset of each bin that fit best. Which of them, and how large
``l2`` is, are chosen for each order by folds: rows that follow each other are left out in turn, and
the choice that would have served them best is taken. Nothing at all is among the choices.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.inference.headspace import HeadSpace
from edgespec.inference.network import Dense
from edgespec.inference.ridge import NormalEquations
from edgespec.records import FloatArray

__all__ = ["N_FOLDS", "STRENGTHS", "Refit", "Refitted", "cosines"]

N_FOLDS = 4
#: What the change is pulled towards.
_STARTS = ("nothing", "affine")
#: Of the pull, in mean energies of the features over all rows. Infinite: only an offset is free.
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, math.inf)

#: Of features that never move; no change follows from them.
_LEAST_ENERGY = 1e-12

_Double = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Refitted:
    """A new last layer, and how each order of the horizon came to it.

    ``choices`` holds start and strength by order, ('', 0) where nothing is changed.
    """

    head: Dense
    choices: tuple[tuple[str, float], ...]

    @property
    def n_changed(self) -> int:
        """Orders that are changed."""
        return sum(start != "" for start, _ in self.choices)


class Refit:
    """Sums over windows in folds, in bounded memory, and the layer that follows from them.

    Args:
        space: of the old layer.
        n_horizon: frames of its output.
        n_bins: bins of each.
    """

    def __init__(self, space: HeadSpace, n_horizon: int, n_bins: int) -> None:
        self._space = space
        self._cosines = cosines(n_horizon)
        self._shape = n_horizon, n_bins
        # The constant comes with the features, since it is weighted like them.
        self._folds = [
            NormalEquations(space.n_features + 1, n_horizon * n_bins) for _ in range(N_FOLDS)
        ]
        self._row = np.empty((1, space.n_features + 1), np.float32)

    @property
    def n_rows(self) -> int:
        """Windows that were added."""
        return sum(fold.n_rows for fold in self._folds)

    def add(self, fold: int, features: FloatArray, left: FloatArray, weight: float) -> None:
        """Take a window: its features, what the old layer leaves ``(n_horizon, n_bins)``, a weight.

        Raises:
            ModelError: a value is not finite.
        """
        self._row[0, :-1] = features
        self._row[0, -1] = 1.0
        self._row *= np.float32(weight)
        rotated = np.asarray(self._cosines @ left * weight, np.float32)
        self._folds[fold].add(self._row, rotated.reshape(1, -1))

    def affine(self) -> Refitted:
        """Return the old layer with the slope and the offset of each bin that fit best.

        Raises:
            ModelError: there are no windows.
        """
        self._need(any(fold.n_rows for fold in self._folds))
        change = self._affine(_Sums.of(self._folds))
        return Refitted(self._head(change), (("affine", math.inf),) * self._shape[0])

    def solve(self) -> Refitted:
        """Return the layer of all windows, by the choices that served each fold from the others.

        Raises:
            ModelError: a fold has no windows.
        """
        self._need(all(fold.n_rows for fold in self._folds))
        gains = np.zeros((len(_STARTS), len(STRENGTHS), self._shape[0]))
        for fold in self._folds:
            others = _Sums.of([one for one in self._folds if one is not fold])
            seen = _Sums.of([fold])
            for at, change in self._changes(others):
                gains[at] += self._by_order(seen.gain(change))
        every = _Sums.of(self._folds)
        best = gains.reshape(-1, self._shape[0]).argmax(axis=0)
        most = gains.reshape(-1, self._shape[0]).max(axis=0)
        taken = np.zeros_like(every.moment)
        choices: list[tuple[str, float]] = [("", 0.0)] * self._shape[0]
        for (start, strength), change in self._changes(every):
            number = start * len(STRENGTHS) + strength
            for order in np.flatnonzero((best == number) & (most > 0.0)):
                columns = slice(order * self._shape[1], (order + 1) * self._shape[1])
                taken[:, columns] = change[:, columns]
                choices[order] = _STARTS[start], STRENGTHS[strength]
        return Refitted(self._head(taken), tuple(choices))

    def _need(self, are_enough: bool) -> None:
        if not are_enough:
            raise ModelError(
                f"{self.n_rows} windows are too few to fit the last layer: hear more signal"
            )

    def _changes(self, sums: "_Sums") -> Iterator[tuple[tuple[int, int], _Double]]:
        """Yield every change that is tried, ``(n_features + 1, n_outputs)``, offset last."""
        starts = (np.zeros_like(sums.moment), self._affine(sums))
        for number, start in enumerate(starts):
            for strength, change in enumerate(sums.ridge(start)):
                yield (number, strength), change

    def _affine(self, sums: "_Sums") -> _Double:
        """Return ``(slope - 1) expected + offset`` of every bin, by least squares over all frames.

        A bin whose forecast does not vary keeps its slope.
        """
        n_horizon, n_bins = self._shape
        space = self._space
        bias = space.head.bias.astype(np.float64).reshape(n_horizon, n_bins)
        expected = np.concatenate(
            [space.directions.T.reshape(-1, n_horizon, n_bins), bias[None]], axis=0
        )
        expected = np.einsum("kh,fhb->fkb", self._cosines, expected).reshape(len(expected), -1)
        # An offset is the same in all frames: of the first order alone, sqrt(n_horizon) of it.
        root = math.sqrt(n_horizon)
        onto = sums.gram @ expected
        square = (expected * onto).reshape(-1, n_horizon, n_bins).sum(axis=(0, 1))
        across = root * onto[-1, :n_bins]
        energy = n_horizon * sums.weight
        product = (expected * sums.moment).reshape(-1, n_horizon, n_bins).sum(axis=(0, 1))
        mean = root * sums.moment[-1, :n_bins]
        variance = square * energy - across**2
        varies = variance > 1e-9 * np.maximum(square * energy, 1e-12)
        slope = np.zeros(n_bins)
        np.divide(product * energy - across * mean, variance, out=slope, where=varies)
        offset = (mean - slope * across) / energy
        change = np.asarray(expected * np.tile(slope, n_horizon))
        change[-1, :n_bins] += root * offset
        return change

    def _by_order(self, columns: _Double) -> _Double:
        return np.asarray(columns.reshape(self._shape).sum(axis=1))

    def _head(self, change: _Double) -> Dense:
        rows = change.reshape(-1, *self._shape)
        turned = np.einsum("kh,fkb->fhb", self._cosines, rows).reshape(len(rows), -1)
        return self._space.changed(turned[:-1], turned[-1])


@dataclass(frozen=True, slots=True)
class _Sums:
    """``X'X`` and ``X'Y`` over rows, the weighted constant as the last input."""

    gram: _Double
    moment: _Double

    @classmethod
    def of(cls, folds: list[NormalEquations]) -> "_Sums":
        """Return the sums of some folds."""
        parts = [fold.sums() for fold in folds]
        # The last input of theirs is a constant that knows no weights.
        gram = sum((part[0][:-1, :-1] for part in parts[1:]), parts[0][0][:-1, :-1])
        return cls(gram, sum((part[1][:-1] for part in parts[1:]), parts[0][1][:-1]))

    @property
    def weight(self) -> float:
        """Squared weights of all rows."""
        return float(self.gram[-1, -1])

    def ridge(self, start: _Double) -> Iterator[_Double]:
        """Yield the change for each of the strengths, pulled towards a start; the offset is free.

        With an infinite one the start keeps its slopes and gets the offset that fits them.
        """
        left = self.moment - self.gram @ start
        means = self.gram[-1, :-1] / self.weight
        centred = self.gram[:-1, :-1] - self.weight * np.outer(means, means)
        values, vectors = np.linalg.eigh(centred)
        values = np.maximum(values, 0.0)
        wanted = vectors.T @ (left[:-1] - np.outer(means, left[-1]))
        energy = max(float(values.mean()), _LEAST_ENERGY)
        for strength in STRENGTHS:
            change = start.copy()
            slopes = vectors @ (wanted / (values + strength * energy)[:, None])
            change[:-1] += slopes
            change[-1] += left[-1] / self.weight - means @ slopes
            yield change

    def gain(self, change: _Double) -> _Double:
        """Return by how much a change lowers the sum of squares of every output."""
        return np.asarray((change * (2.0 * self.moment - self.gram @ change)).sum(axis=0))


def cosines(n: int) -> _Double:
    """Return the orthonormal cosine transform ``(n, n)``; row 0 is the mean, times ``sqrt(n)``.

    ``c(k, h) = sqrt(2 / n) cos(pi k (2 h + 1) / (2 n))``, row 0 divided by ``sqrt(2)`` (Ahmed,
    Natarajan and Rao 1974).
    """
    orders, frames = np.arange(n)[:, None], np.arange(n)[None, :]
    table = np.sqrt(2.0 / n) * np.cos(np.pi * orders * (2 * frames + 1) / (2 * n))
    table[0] /= math.sqrt(2.0)
    return np.asarray(table)
