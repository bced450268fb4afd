"""The last dense layer of a network as a least-squares problem, solved from running sums.

With everything before it frozen, the last layer maps features ``x`` to targets ``y``. Around the
layer there is already, ``W0`` and ``b0``, the one that fits best is

``min |Y - X W - b|^2 + l2 (|W - W0|^2 + |b - b0|^2)``

(Hoerl and Kennard 1970, with the teacher in place of zero), which needs of the data only ``X'X``
and ``X'Y``. Rows are taken as they come and forgotten, so any amount of data takes the same
memory: 64 features and 3200 targets take 4 MB.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError, UsageError
from edgespec.records import FloatArray

__all__ = ["NormalEquations"]

#: Rows that are summed at once: enough for a matrix product, few enough that the row that fills a
#: block does not hold up the segment behind it (0.3 ms on a desktop core; 64 rows gain 20%).
_BLOCK_ROWS = 16

_Double = NDArray[np.float64]


class NormalEquations:
    """Sums over rows of features and targets, in float64, and the layer that follows from them.

    Rows are summed in blocks that do not depend on how they were handed over: any division of the
    same rows into calls of :meth:`add` gives the same sums, bit for bit. Nothing is allocated
    while rows are added.

    Args:
        n_features: inputs of the layer, without the constant that stands for the bias.
        n_targets: outputs of the layer.
        block_rows: rows that are summed at once; more is faster where rows are short and many.
    """

    def __init__(self, n_features: int, n_targets: int, *, block_rows: int = _BLOCK_ROWS) -> None:
        if n_features < 1 or n_targets < 1 or block_rows < 1:
            raise UsageError(
                f"n_features is {n_features}, n_targets {n_targets} and block_rows {block_rows}; "
                "all must be positive"
            )
        self.n_features = n_features
        self.n_targets = n_targets
        n_inputs = n_features + 1
        self._n_summed = 0
        self._gram = np.zeros((n_inputs, n_inputs))
        self._moment = np.zeros((n_inputs, n_targets))
        self._target_energy = 0.0
        # Rows that do not fill a block yet; the last input is the constant of the bias.
        self._n_staged = 0
        self._inputs = np.ones((block_rows, n_inputs))
        self._targets = np.empty((block_rows, n_targets))
        self._gram_part = np.empty_like(self._gram)
        self._moment_part = np.empty_like(self._moment)

    @property
    def n_rows(self) -> int:
        """Rows that were added."""
        return self._n_summed + self._n_staged

    def clear(self) -> None:
        """Forget every row."""
        self._n_summed = self._n_staged = 0
        self._gram[:] = 0.0
        self._moment[:] = 0.0
        self._target_energy = 0.0

    def add(self, features: FloatArray, targets: FloatArray) -> None:
        """Take rows: features ``(n, n_features)`` and targets ``(n, n_targets)``, any float type.

        Raises:
            UsageError: the shapes do not fit.
            ModelError: a value is not finite; the rows before it in this call are kept.
        """
        if (
            features.ndim != 2
            or targets.ndim != 2
            or len(features) != len(targets)
            or features.shape[1] != self.n_features
            or targets.shape[1] != self.n_targets
        ):
            raise UsageError(
                f"features are {features.shape} and targets {targets.shape}; accepted are "
                f"(n, {self.n_features}) and (n, {self.n_targets}) with one n"
            )
        done, n_block = 0, len(self._inputs)
        while done < len(features):
            n = min(len(features) - done, n_block - self._n_staged)
            rows = slice(self._n_staged, self._n_staged + n)
            self._inputs[rows, :-1] = features[done : done + n]
            self._targets[rows] = targets[done : done + n]
            # One bad value would spoil the sums for good, and a sum shows it.
            with np.errstate(invalid="ignore"):
                total = float(self._inputs[rows].sum() + self._targets[rows].sum())
            if not math.isfinite(total):
                raise ModelError(
                    f"rows {done} to {done + n - 1} hold a value that is not finite: leave such "
                    "segments out"
                )
            self._n_staged += n
            done += n
            if self._n_staged == n_block:
                self._sum_staged(self._gram, self._moment)
                self._target_energy += self._staged_energy()
                self._n_summed += n_block
                self._n_staged = 0

    def merge(self, other: "NormalEquations") -> None:
        """Take all rows of another: what two observers, or two processes, have summed up.

        Raises:
            UsageError: the other is for another layer.
        """
        if (other.n_features, other.n_targets) != (self.n_features, self.n_targets):
            raise UsageError(
                f"sums of {other.n_features} features and {other.n_targets} targets cannot be "
                f"merged into those of {self.n_features} and {self.n_targets}"
            )
        n_rows = other.n_rows
        gram, moment, energy = other._totals()
        self._gram += gram
        self._moment += moment
        self._target_energy += energy
        self._n_summed += n_rows

    def solve(
        self, l2: float = 0.0, towards: tuple[FloatArray, FloatArray] | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the weights ``(n_features, n_targets)`` and the bias ``(n_targets,)``, float32.

        Args:
            l2: how firmly the layer is held, as a sum of squares of features: directions in which
                the data have less stay about as they were. 0 fits the data alone; what they do
                not determine then stays exactly as it was.
            towards: weights and bias of the layer there is already; None: zero.

        Raises:
            UsageError: ``l2`` is negative or not finite, or the layer has another shape.
        """
        if not 0.0 <= l2 < math.inf:
            raise UsageError(f"l2 is {l2}; it must be finite and not negative")
        start = self._layer(towards)
        gram, moment, _ = self._totals()
        values, vectors = np.linalg.eigh(gram)
        smallest = values[-1] * len(values) * np.finfo(np.float64).eps
        is_known = values > max(smallest, 0.0)
        inverse = np.zeros_like(values)
        inverse[is_known] = 1.0 / (values[is_known] + l2)
        change = vectors @ (inverse[:, None] * (vectors.T @ (moment - gram @ start)))
        layer = (start + change).astype(np.float32)
        return layer[:-1], layer[-1]

    def sums(self) -> tuple[_Double, _Double]:
        """Return ``X'X`` and ``X'Y``, copies; the last input is the constant of the bias."""
        gram, moment, _ = self._totals()
        return gram, moment

    def mean_square_error(self, weights: FloatArray, bias: FloatArray) -> float:
        """Return the mean square error, over rows and targets, that a layer has on these rows.

        ``(sum y^2 - 2 tr(W' X'Y) + tr(W' X'X W)) / (n_rows * n_targets)``: no row is needed again.

        Raises:
            UsageError: there are no rows, or the layer has another shape.
        """
        if not self.n_rows:
            raise UsageError("an error cannot be told without rows: add some first")
        layer = self._layer((weights, bias))
        gram, moment, energy = self._totals()
        total = energy + float(np.vdot(layer, gram @ layer - 2.0 * moment))
        return max(total, 0.0) / (self.n_rows * self.n_targets)

    def _layer(self, given: tuple[FloatArray, FloatArray] | None) -> _Double:
        layer = np.zeros_like(self._moment)
        if given is None:
            return layer
        weights, bias = np.asarray(given[0]), np.asarray(given[1])
        if weights.shape != layer[:-1].shape or bias.shape != layer[-1].shape:
            raise UsageError(
                f"the layer has weights {weights.shape} and bias {bias.shape}; these sums are for "
                f"{layer[:-1].shape} and {layer[-1].shape}"
            )
        layer[:-1], layer[-1] = weights, bias
        return layer

    def _sum_staged(self, gram: Any, moment: Any) -> None:
        inputs, targets = self._inputs[: self._n_staged], self._targets[: self._n_staged]
        np.add(gram, np.matmul(inputs.T, inputs, out=self._gram_part), out=gram)
        np.add(moment, np.matmul(inputs.T, targets, out=self._moment_part), out=moment)

    def _staged_energy(self) -> float:
        flat = self._targets[: self._n_staged].reshape(-1)
        return float(np.dot(flat, flat))

    def _totals(self) -> tuple[_Double, _Double, float]:
        """Return the sums with the rows of the unfinished block, which stays unfinished."""
        gram, moment = self._gram.copy(), self._moment.copy()
        self._sum_staged(gram, moment)
        return gram, moment, self._target_energy + self._staged_energy()
