"""The arithmetic of the watch of a cell as compiled loops, one pass each.

What each function does is said in :class:`edgespec.detect.cell.arithmetic.CellArithmetic`.
"""

import math

import numpy as np

from edgespec.detect.cell.terms import CLEAR, FLOOR, N_HISTORY, N_LOOK, N_PAST, OFFSET, TURNED
from edgespec.jit import kernel

__all__ = ["level_rows", "load", "step_deviations"]


def load() -> None:
    """Compile every loop, or fetch it from the cache, before the first slot waits for it."""
    rows, row, place = np.ones((1, 1)), np.ones(1), np.zeros(1, np.int64)
    product, power = np.ones((1, 1), np.complex64), np.ones((1, 2), np.float32)
    byte = np.ones(1, np.uint8)
    level_rows(product, power, byte, byte, place, rows, rows.copy(), row, place.copy())
    step_deviations(
        rows, place, place + 1, row, row, np.ones((N_PAST, 1)), np.ones((N_LOOK, 1)), row,
        rows.copy(), rows.copy(), row.copy(),
    )  # fmt: skip


@kernel
def level_rows(  # type: ignore[no-untyped-def]
    product, power, count, flags, tick_start, level, noise, coherence, tick
):
    """Write the rows of the good slots and return how many there are."""
    n_slots, n_bins = product.shape
    n_rows = 0
    for t in range(n_slots):
        if not count[t] or flags[t]:
            continue
        share = 1.0 / np.float64(count[t])
        re, im, total = 0.0, 0.0, 0.0
        for k in range(n_bins):
            re += np.float64(product[t, k].real)
            im += np.float64(product[t, k].imag)
            total += np.float64(power[t, k]) + power[t, k + 1]
        re, im, total = share * re, share * im, 0.5 * share * total
        size = math.sqrt(re * re + im * im)
        coherence[n_rows] = size / max(total, 1e-30)
        cosine, sine = share, 0.0
        if coherence[n_rows] > CLEAR and re < TURNED * size:
            cosine, sine = share * re / max(size, 1e-30), share * im / max(size, 1e-30)
        for k in range(n_bins):
            re, im = np.float64(product[t, k].real), np.float64(product[t, k].imag)
            now = cosine * re + sine * im
            level[n_rows, k] = now
            both = np.float64(power[t, k]) + power[t, k + 1]
            noise[n_rows, k] = 0.5 * share * both - now
        tick[n_rows] = tick_start[t]
        n_rows += 1
    return n_rows


@kernel
def step_deviations(  # type: ignore[no-untyped-def]
    level, starts, stops, usual, mean, past, trace, scale, logs, errors, largest
):
    """Write logarithms, errors of the forecast and the largest deviation of each row."""
    n_rows, n_parts = len(level), len(starts)
    for row in range(n_rows):
        for part in range(n_parts):
            total = 0.0
            for b in range(starts[part], stops[part]):
                total += level[row, b]
            logs[row, part] = math.log(max(total / usual[part], FLOOR) + OFFSET)
        largest[row] = 0.0
    for row in range(N_PAST, n_rows):
        for part in range(n_parts):
            error = logs[row, part] - mean[part]
            for k in range(N_PAST):
                error -= past[k, part] * (logs[row - 1 - k, part] - mean[part])
            errors[row, part] = error
    for row in range(N_HISTORY, n_rows):
        most = 0.0
        for part in range(n_parts):
            found = 0.0
            for k in range(N_LOOK):
                found += trace[k, part] * errors[row - N_LOOK + 1 + k, part]
            most = max(most, abs(found) / scale[part])
        largest[row] = most
