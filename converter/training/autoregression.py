"""The autoregression of a Keras model as a least-squares problem: a row is one bin of a window."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from converter.data.segment_set import SegmentSet
from converter.models.autoregression import LAYER
from converter.training.lastlayer import Head, choose_l2, sum_up
from edgespec.errors import ModelError
from edgespec.records import FloatArray

__all__ = ["Autoregression", "Solution", "head_of", "solve"]

_BATCH_WINDOWS = 256


class Autoregression:
    """The shared layer of an autoregression, with the members of a ``Head``.

    Its inputs are the window itself, so a network beside it in the model is never asked.

    Args:
        model: a Keras model with a layer called ``autoregression``.

    Raises:
        ModelError: it has none.
    """

    def __init__(self, model: Any) -> None:
        found = [layer for layer in model.layers if layer.name == LAYER]
        if not found:
            names = ", ".join(layer.name for layer in model.layers)
            raise ModelError(f"the model has no layer {LAYER!r}, only {names}: use another method")
        (self.layer,) = found

    @property
    def weights(self) -> tuple[FloatArray, FloatArray]:
        """Weights ``(order, n_horizon)`` and bias ``(n_horizon,)``, copies."""
        weights, bias = (np.array(value, np.float32) for value in self.layer.get_weights())
        return weights, bias

    def replace(self, weights: FloatArray, bias: FloatArray) -> None:
        """Write other weights into the model."""
        self.layer.set_weights([weights, bias])

    def rows(self, windows: SegmentSet, role: str) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield contexts ``(n, order)`` and targets ``(n, n_horizon)`` of bins, standardised.

        Raises:
            ModelError: the role is not to forecast.
        """
        if role != "forecast":
            raise ModelError(f"an autoregression forecasts; it cannot be solved for {role!r}")
        order = len(self.weights[0])
        for first in range(0, len(windows), _BATCH_WINDOWS):
            numbers = np.arange(first, min(first + _BATCH_WINDOWS, len(windows)))
            contexts, targets = windows.gather(numbers)
            yield _bins(contexts[:, -order:]), _bins(targets)


def head_of(model: Any) -> Head | Autoregression:
    """Return the layer that a closed form can fit: the only one there is, or the last one.

    Raises:
        ModelError: the model is more than an autoregression, and ends in no dense layer.
    """
    learning = [layer.name for layer in model.layers if layer.weights]
    return Autoregression(model) if learning == [LAYER] else Head(model)


@dataclass(frozen=True, slots=True)
class Solution:
    """How an autoregression was solved: ridge, and mean squared errors in standardised units."""

    l2: float
    loss: float
    val_loss: float

    def to_json(self) -> dict[str, float]:
        """Return it for a model card."""
        return asdict(self)


def solve(model: Any, windows: SegmentSet, held_out: SegmentSet) -> Solution:
    """Solve for the autoregression of a model in place, by ridge towards zero.

    The ridge is the one of ``L2_GRID`` with the smallest held-out error; the weights come from
    ``windows`` alone.

    Raises:
        ModelError: the model has no autoregression.
    """
    part = Autoregression(model)
    zero = tuple(np.zeros_like(value) for value in part.weights)
    sums, held = sum_up(part, windows, "forecast"), sum_up(part, held_out, "forecast")
    l2 = choose_l2(sums, held, (zero[0], zero[1]))
    layer = sums.solve(l2)
    part.replace(*layer)
    return Solution(l2, sums.mean_square_error(*layer), held.mean_square_error(*layer))


def _bins(frames: FloatArray) -> FloatArray:
    """Return ``(n_windows, n_frames, n_bins)`` as ``(n_windows * n_bins, n_frames)``."""
    return frames.transpose(0, 2, 1).reshape(-1, frames.shape[1])
