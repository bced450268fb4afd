"""A network in the order in which the kernels read it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.inference import kernels
from edgespec.inference.network import Dense, Lstm, Network
from edgespec.inference.registers import NARROW, TILE_ROWS, sums_at
from edgespec.inference.widths import Widths
from edgespec.memory import aligned_floats
from edgespec.records import FloatArray

__all__ = ["PackedNetwork", "pack", "packed_columns"]

_WIDEST = Widths()
_CODES = {
    "linear": kernels.LINEAR,
    "relu": kernels.RELU,
    "tanh": kernels.TANH,
    "sigmoid": kernels.SIGMOID,
}


@dataclass(frozen=True, slots=True)
class PackedNetwork:
    """All weights in one array, and where each part begins.

    ``lstms`` int64 ``(n, 6)``: inputs, units, whether its gates are hard, and where kernel,
    recurrent kernel and bias begin. ``denses`` int64 ``(n, 5)``: inputs, outputs, activation, and
    where kernel and bias begin. Units and outputs are padded to what the kernels ask for: units
    without weights stay at zero, outputs without weights are read by nobody. ``column_sums`` and
    ``first_bias`` ``(4 n_units,)`` belong to the first LSTM layer; without one they are empty.
    """

    weights: FloatArray
    lstms: NDArray[np.int64]
    denses: NDArray[np.int64]
    column_sums: FloatArray
    first_bias: FloatArray

    @property
    def n_units(self) -> int:
        """Units of the largest LSTM layer."""
        return int(self.lstms[:, 1].max(initial=0))

    @property
    def n_wide(self) -> int:
        """Width of the largest dense layer, inputs and outputs."""
        return int(self.denses[:, :2].max())


class _Parts:
    """Arrays one behind the other."""

    def __init__(self) -> None:
        self._parts: list[FloatArray] = []
        self._n_items = 0

    def add(self, array: FloatArray) -> int:
        """Return where the array begins: on a line of cache."""
        begin = self._n_items
        part = np.zeros(_rounded(array.size, kernels.LANES), np.float32)
        part[: array.size] = array.ravel()
        self._parts.append(part)
        self._n_items += len(part)
        return begin

    def joined(self) -> FloatArray:
        """Return all of them."""
        weights = aligned_floats(self._n_items)
        np.concatenate(self._parts, out=weights)
        return weights


def pack(network: Network, widths: Widths = _WIDEST) -> PackedNetwork:
    """Return a network as the kernels take it, compiled for these widths."""
    tile_columns = sums_at(widths.project) // TILE_ROWS
    recurrent_columns, dense_columns = sums_at(widths.recur), sums_at(widths.dense)
    parts = _Parts()
    lstms: list[Sequence[int]] = []
    sums, first_bias = aligned_floats(0), aligned_floats(0)
    for lstm in network.lstms:
        n_inputs = lstms[-1][1] if lstms else lstm.n_inputs
        kernel, recurrent, bias = _padded_lstm(lstm, n_inputs)
        if not lstms:
            sums, first_bias = kernel.sum(axis=0, dtype=np.float64).astype(np.float32), bias[0]
        lstms.append(
            (
                n_inputs,
                len(recurrent),
                int(lstm.gate == "hard_sigmoid"),
                parts.add(packed_columns(kernel, (tile_columns,))),
                parts.add(packed_columns(recurrent, (recurrent_columns, NARROW))),
                parts.add(bias),
            )
        )
    denses: list[Sequence[int]] = []
    for dense in network.denses:
        kernel, bias = _padded_dense(dense)
        denses.append(
            (
                dense.n_inputs,
                len(bias),
                _CODES[dense.activation],
                parts.add(packed_columns(kernel, (dense_columns, NARROW))),
                parts.add(bias),
            )
        )
    return PackedNetwork(
        parts.joined(),
        np.array(lstms, np.int64).reshape(-1, 6),
        np.array(denses, np.int64).reshape(-1, 5),
        sums,
        first_bias,
    )


def packed_columns(matrix: FloatArray, widths: Sequence[int]) -> FloatArray:
    """Return a matrix as groups of columns, each row by row, one group behind the other.

    Groups have the first width as long as that goes, then the next; the last one divides the rest.
    """
    groups, column = [], 0
    for width in widths:
        while column + width <= matrix.shape[1]:
            groups.append(matrix[:, column : column + width].ravel())
            column += width
    return np.concatenate(groups)


def _padded_lstm(layer: Lstm, n_inputs: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return kernel, recurrent kernel and bias with padded units and gates in blocks."""
    n_units, n_padded = layer.n_outputs, _rounded(layer.n_outputs, kernels.LANES)
    kernel = np.zeros((n_inputs, 4, n_padded), np.float32)
    recurrent = np.zeros((n_padded, 4, n_padded), np.float32)
    bias = np.zeros((1, 4, n_padded), np.float32)
    kernel[: layer.n_inputs, :, :n_units] = layer.kernel.reshape(-1, 4, n_units)
    recurrent[:n_units, :, :n_units] = layer.recurrent.reshape(-1, 4, n_units)
    bias[:, :, :n_units] = layer.bias.reshape(-1, 4, n_units)
    return _in_blocks(kernel), _in_blocks(recurrent), _in_blocks(bias)


def _in_blocks(gates: FloatArray) -> FloatArray:
    """Return ``(n, 4, n_units)`` as ``(n, 4 n_units)`` with the gates of 16 units together."""
    blocks = gates.reshape(len(gates), 4, -1, kernels.LANES).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(blocks).reshape(len(gates), -1)


def _padded_dense(layer: Dense) -> tuple[FloatArray, FloatArray]:
    n_padded = _rounded(layer.n_outputs, NARROW)
    kernel = np.zeros((layer.n_inputs, n_padded), np.float32)
    bias = np.zeros(n_padded, np.float32)
    kernel[:, : layer.n_outputs] = layer.kernel
    bias[: layer.n_outputs] = layer.bias
    return kernel, bias


def _rounded(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple
