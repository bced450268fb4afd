"""A trained network layer by layer, and what our own kernels take of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.inference.network import Dense, Lstm, Network
from edgespec.records import FloatArray

__all__ = ["Affine", "as_network"]

_Double = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Affine:
    """``scale * x + offset`` for each output of the layer before: batch normalisation at rest."""

    scale: _Double
    offset: _Double

    def after(self, other: "Affine") -> "Affine":
        """Return this behind another one as a single one."""
        return Affine(self.scale * other.scale, self.scale * other.offset + self.offset)


def as_network(layers: Sequence[Lstm | Dense | Affine]) -> Network:
    """Return LSTM and dense layers, every affine between them folded into the next layer.

    ``(s x + o) @ W + b = x @ (diag(s) W) + (o @ W + b)``, in float64, rounded once. Behind the last
    layer it is folded into that.

    Raises:
        ModelError: the layers are in an order that our kernels do not have.
    """
    lstms: list[Lstm] = []
    denses: list[Dense] = []
    waiting: Affine | None = None
    for layer in layers:
        if isinstance(layer, Affine):
            waiting = layer if waiting is None else layer.after(waiting)
            continue
        if waiting is not None:
            layer, waiting = _scaled(layer, waiting), None
        if isinstance(layer, Dense):
            denses.append(layer)
        elif denses:
            raise ModelError("an LSTM layer behind a dense one: our kernels have no such network")
        else:
            lstms.append(layer)
    if waiting is not None:
        if not denses or denses[-1].activation != "linear":
            raise ModelError("the network ends in an affine that no dense layer can take in")
        denses[-1] = _scaled_outputs(denses[-1], waiting)
    return Network(tuple(lstms), tuple(denses))


def _scaled(layer: Any, affine: Affine) -> Any:
    kernel = layer.kernel.astype(np.float64)
    return replace(
        layer,
        kernel=_rounded(affine.scale[:, np.newaxis] * kernel),
        bias=_rounded(affine.offset @ kernel + layer.bias),
    )


def _scaled_outputs(layer: Dense, affine: Affine) -> Dense:
    return replace(
        layer,
        kernel=_rounded(layer.kernel * affine.scale),
        bias=_rounded(layer.bias * affine.scale + affine.offset),
    )


def _rounded(array: _Double) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)
