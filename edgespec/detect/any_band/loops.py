"""The steps of the detector for any band as compiled loops.

What each does is said in :class:`edgespec.detect.any_band.arithmetic.Arithmetic`.
"""

import math

import numpy as np

from edgespec.detect.any_band.channels import BLOCK_SAMPLES, LEAST_POWER, RANKS
from edgespec.detect.any_band.runs import LONG_FRAMES, MOST_EXACT
from edgespec.jit import apart, kernel

__all__ = ["blocks", "farthest", "levels", "load", "ranks"]

_INFINITY = np.float32(np.inf)


def load() -> None:
    """Compile every loop, or fetch it from the cache, before the first hop waits for it."""
    rows, widths, sums = np.zeros((2, 2), np.float32), np.ones(1, np.int64), np.zeros((3, 3))
    levels_db = np.zeros((4, 2), np.float32)
    levels(rows, widths, sums, levels_db[0].copy(), levels_db)
    farthest(levels_db, levels_db, np.zeros(2))
    wave, ring = np.zeros(BLOCK_SAMPLES, np.complex64), np.zeros((1, 1), np.float32)
    blocks(wave, ring[0].copy(), ring[0])
    ranks(ring, 0, 1, ring[0].copy(), np.zeros((2, len(RANKS)), np.float32))


@kernel
def levels(power_db, widths, sums, lowest_db, levels_db):  # type: ignore[no-untyped-def]
    """Write the peak and the floor of every run of bins."""
    n_frames, n_bins = power_db.shape
    for t in range(n_frames):
        row = sums[t]
        total = np.float64(0.0)
        row[0] = total
        for b in range(n_bins):
            total += power_db[t, b]
            row[b + 1] = total
    levels_db[0::2, :] = -_INFINITY
    levels_db[1::2, :] = _INFINITY
    lowest_db[:] = _INFINITY
    for t in range(n_frames):
        _take(sums[t], np.float64(1.0), widths, levels_db[0], levels_db[1], lowest_db)
    if n_frames <= MOST_EXACT:
        levels_db[1, :] = lowest_db
    length = min(LONG_FRAMES, n_frames)
    n_long = n_frames // length
    row, share = sums[n_frames], np.float64(1.0) / length
    lowest_db[:] = _INFINITY
    for r in range(n_long):
        row[:] = 0.0
        for t in range(r * length, (r + 1) * length):
            for b in range(n_bins + 1):
                row[b] += sums[t, b]
        _take(row, share, widths, levels_db[2], levels_db[3], lowest_db)
    if n_long <= MOST_EXACT:
        levels_db[3, :] = lowest_db


@kernel
def _take(sums, share, widths, peaks_db, floors_db, lowest_db):  # type: ignore[no-untyped-def]
    """Take a row: the largest so far, the smallest but one, and the smallest, run by run."""
    at = 0
    for width in widths:
        n = len(sums) - width
        _take_width(
            n, share / width, sums, sums[width:], peaks_db[at:], floors_db[at:], lowest_db[at:]
        )
        at += n


@apart
def _take_width(  # type: ignore[no-untyped-def]
    n, scale, below, above, peaks_db, floors_db, lowest_db
):
    for k in range(n):
        level = np.float32((above[k] - below[k]) * scale)
        peaks_db[k] = max(peaks_db[k], level)
        floors_db[k] = min(floors_db[k], max(lowest_db[k], level))
        lowest_db[k] = min(lowest_db[k], level)


@kernel
def farthest(levels_db, highest_db, above_db):  # type: ignore[no-untyped-def]
    """Write how far the farthest peak and floor lie above the highest so far."""
    for part in range(2):
        most = -_INFINITY
        for row in range(part, 4, 2):
            for k in range(levels_db.shape[1]):
                most = max(most, levels_db[row, k] - highest_db[row, k])
        above_db[part] = most


@kernel
def blocks(wave, power, left):  # type: ignore[no-untyped-def]
    """Write power and what is not constant of each block."""
    for k in range(len(power)):
        size, square = np.float64(0.0), np.float64(0.0)
        for t in range(k * BLOCK_SAMPLES, (k + 1) * BLOCK_SAMPLES):
            own = np.float64(wave[t].real) ** 2 + np.float64(wave[t].imag) ** 2
            size += math.sqrt(own)
            square += own
        size /= BLOCK_SAMPLES
        square /= BLOCK_SAMPLES
        power[k] = max(square, LEAST_POWER)
        left[k] = max(2.0 * (square - size * size), LEAST_POWER)


@kernel
def ranks(ring, at, n_rows, scratch, levels_db):  # type: ignore[no-untyped-def]
    """Write some quantiles of the last row, and of the last rows together."""
    n_ring, n_blocks = ring.shape
    for row in range(2):
        n = 0
        for back in range(n_rows if row else 1):
            scratch[n : n + n_blocks] = ring[(at - back) % n_ring]
            n += n_blocks
        values = scratch[:n]
        values.sort()
        for k, rank in enumerate(RANKS):
            value = np.float64(values[int(rank * (n - 1) + 0.5)])
            levels_db[row, k] = 10.0 * math.log10(value)
