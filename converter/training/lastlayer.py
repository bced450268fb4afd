"""The last dense layer of a Keras model: its inputs, and fits of it that need no gradient."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from converter.data.segment_set import SegmentSet
from converter.models.runtime import load_keras
from edgespec.errors import ModelError
from edgespec.inference.ridge import NormalEquations
from edgespec.records import FloatArray

__all__ = ["L2_GRID", "BinAffine", "Head", "Solvable", "choose_l2", "fit_affine", "sum_up"]

#: Strengths of the pull towards the teacher that are tried, as sums of squares of features.
L2_GRID = (0.0, 1.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6)
_BATCH_WINDOWS = 256


class Solvable(Protocol):
    """A dense layer of a model with the rows it is to fit; :class:`Head` says of what shape."""

    @property
    def weights(self) -> tuple[FloatArray, FloatArray]:
        """Weights and bias, copies."""
        ...

    def replace(self, weights: FloatArray, bias: FloatArray) -> None:
        """Write other weights into the model."""
        ...

    def rows(self, windows: SegmentSet, role: str) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield the layer's inputs and the wanted outputs, some rows at a time."""
        ...


class Head:
    """The last layer of a model, apart from what comes before it.

    Args:
        model: a Keras model that ends in a dense layer without activation.

    Raises:
        ModelError: it ends otherwise.
    """

    def __init__(self, model: Any) -> None:
        keras = load_keras()
        layer = model.layers[-1]
        if (
            not isinstance(layer, keras.layers.Dense)
            or layer.activation is not keras.activations.linear
            or not layer.use_bias
        ):
            raise ModelError(
                f"the model ends in {type(layer).__name__} {layer.name!r}; only a dense layer with "
                "a bias and without activation can be fitted in closed form: use 1L"
            )
        self._layer = layer
        self._backbone = keras.Model(model.input, layer.input)

    @property
    def weights(self) -> tuple[FloatArray, FloatArray]:
        """Weights ``(n_features, n_outputs)`` and bias ``(n_outputs,)``, copies."""
        weights, bias = (np.array(value, np.float32) for value in self._layer.get_weights())
        return weights, bias

    def replace(self, weights: FloatArray, bias: FloatArray) -> None:
        """Write other weights into the model."""
        self._layer.set_weights([weights, bias])

    def rows(self, windows: SegmentSet, role: str) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield the layer's inputs ``(n, n_features)`` and the wanted outputs ``(n, n_outputs)``.

        Both in standardised units, some windows at a time, each window once.
        """
        for first in range(0, len(windows), _BATCH_WINDOWS):
            numbers = np.arange(first, min(first + _BATCH_WINDOWS, len(windows)))
            contexts, targets = windows.gather(numbers)
            inputs = contexts if role == "forecast" else targets
            features = np.asarray(self._backbone.predict_on_batch(inputs), np.float32)
            yield features.reshape(len(numbers), -1), targets.reshape(len(numbers), -1)


def sum_up(head: Solvable, windows: SegmentSet, role: str) -> NormalEquations:
    """Return the normal equations of a layer over all windows."""
    weights, _ = head.weights
    sums = NormalEquations(*weights.shape, block_rows=_BATCH_WINDOWS)
    for features, targets in head.rows(windows, role):
        sums.add(features, targets)
    return sums


def choose_l2(
    fit: NormalEquations,
    held_out: NormalEquations | None,
    teacher: tuple[FloatArray, FloatArray],
) -> float:
    """Return the ``l2`` of the grid whose layer has the smallest error on held-out rows.

    Without any the firmest one: nothing says that less would do.
    """
    if held_out is None or not held_out.n_rows:
        return L2_GRID[-1]
    errors = [held_out.mean_square_error(*fit.solve(l2, teacher)) for l2 in L2_GRID]
    return L2_GRID[int(np.argmin(errors))]


@dataclass(frozen=True, slots=True)
class BinAffine:
    """``slope * forecast + offset`` for each bin, float32 ``(n_bins,)``, in standardised units."""

    slope: FloatArray
    offset: FloatArray

    def folded(self, weights: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the last layer that gives what this makes of the outputs of the one given."""
        n_horizon = len(bias) // len(self.slope)
        slope, offset = np.tile(self.slope, n_horizon), np.tile(self.offset, n_horizon)
        return weights * slope, bias * slope + offset


def fit_affine(head: Head, windows: SegmentSet, role: str, n_bins: int) -> BinAffine:
    """Return the least squares of slope and offset per bin, over all windows and frames.

    A bin whose forecast does not vary keeps the slope 1.
    """
    weights, bias = head.weights
    sums: NDArray[np.float64] = np.zeros((4, n_bins))
    n = 0
    for features, targets in head.rows(windows, role):
        y = targets.reshape(-1, n_bins).astype(np.float64)
        x = (features @ weights + bias).reshape(-1, n_bins).astype(np.float64)
        n += len(x)
        sums += np.stack(
            [x.sum(0), y.sum(0), np.einsum("nb,nb->b", x, x), np.einsum("nb,nb->b", x, y)]
        )
    mean_x, mean_y, square_x, product = sums / max(n, 1)
    variance = square_x - mean_x**2
    varies = variance > math.sqrt(np.finfo(np.float64).eps) * np.maximum(square_x, 1e-12)
    slope = np.ones(n_bins)
    np.divide(product - mean_x * mean_y, variance, out=slope, where=varies)
    offset = mean_y - slope * mean_x
    return BinAffine(slope.astype(np.float32), offset.astype(np.float32))
