"""The arithmetic of the watch of a cell in NumPy.

What each function does is said in :class:`edgespec.detect.cell.arithmetic.CellArithmetic`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.cell.terms import CLEAR, FLOOR, N_HISTORY, N_LOOK, N_PAST, OFFSET, TURNED

__all__ = ["level_rows", "matched", "part_sums", "step_deviations"]

Array = NDArray[np.float64]


def level_rows(
    product: NDArray[np.complex64],
    power: NDArray[np.float32],
    count: NDArray[np.uint8],
    flags: NDArray[np.uint8],
    tick_start: NDArray[np.int64],
    level: Array,
    noise: Array,
    coherence: Array,
    tick: NDArray[np.int64],
) -> int:
    """Write the rows of the good slots and return how many there are."""
    good = (count > 0) & (flags == 0)
    n_rows = int(np.count_nonzero(good))
    of_symbols: NDArray[Any] = count[good].astype(np.float64)[:, None]
    mean, powers = product[good] / of_symbols, power[good] / of_symbols
    powers = 0.5 * (powers[:, :-1] + powers[:, 1:])
    total = mean.sum(axis=1)
    size = np.abs(total)
    coherence[:n_rows] = size / np.maximum(powers.sum(axis=1), 1e-30)
    is_turned = (coherence[:n_rows] > CLEAR) & (total.real < TURNED * size)
    turn = np.where(is_turned, total.conj() / np.maximum(size, 1e-30), 1.0)
    level[:n_rows] = (mean * turn[:, None]).real
    noise[:n_rows] = powers - level[:n_rows]
    tick[:n_rows] = tick_start[good]
    return n_rows


def step_deviations(
    level: Array,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    usual: Array,
    mean: Array,
    past: Array,
    trace: Array,
    scale: Array,
    logs: Array,
    errors: Array,
    largest: Array,
) -> None:
    """Write logarithms and the largest deviation of each row; the errors are not asked for."""
    del errors
    logs[:] = np.log(np.maximum(part_sums(level, starts, stops) / usual, FLOOR) + OFFSET)
    largest[:N_HISTORY] = 0.0
    if len(level) > N_HISTORY:
        found = np.abs(matched(logs, mean, past, trace)) / scale
        largest[N_HISTORY:] = found.max(axis=1)


def part_sums(level: Array, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> Array:
    """Return the level of each part, ``(n_rows, n_parts)``."""
    edges = np.zeros((len(level), level.shape[1] + 1))
    np.cumsum(level, axis=1, out=edges[:, 1:])
    sums: Array = edges[:, stops] - edges[:, starts]
    return sums


def matched(logs: Array, mean: Array, past: Array, trace: Array) -> Array:
    """Return the matched filter over the errors of the forecast, ``N_HISTORY`` rows less."""
    around = logs - mean
    n_rows = len(around)
    errors = around[N_PAST:].copy()
    for k in range(N_PAST):
        errors -= past[k] * around[N_PAST - 1 - k : n_rows - 1 - k]
    n_out = n_rows - N_HISTORY
    found: Array = trace[0] * errors[:n_out]
    for k in range(1, N_LOOK):
        found += trace[k] * errors[k : k + n_out]
    return found
