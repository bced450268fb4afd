"""Loops of the likelihood detector: tables of log-likelihood ratios, and their sums over cells."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import apart, kernel

__all__ = ["LOWER_BOUND", "MEASURED", "MISSING", "N_POWERS", "fill_tables", "sum_cells"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

#: What a level is: nothing, a value, or (of a saturated unit) a bound from below.
MISSING, MEASURED, LOWER_BOUND = 0, 1, 2

#: Powers that one lookup covers.
N_POWERS = 12


@kernel
def fill_tables(
    residual_db: FloatArray,
    scale_db: FloatArray,
    kind: ByteArray,
    doublings: int,
    shift_db: FloatArray,
    gain_variance: FloatArray,
    reach: int,
    n_nothing: int,
    density: FloatArray,
    tables: Float32Array,
) -> None:
    """Fill log p(residual | a source raises the level) - log p(residual | no source).

    Without a source, a residual follows Student's t with ``nu = 2^(doublings + 1) - 1`` degrees of
    freedom. With one, its centre is shifted; that the path gain is uncertain smears it over
    ``reach`` entries to either side (three-point Gauss-Hermite: weights 1/6, 2/3, 1/6), and adds
    ``gain_variance`` between these three points.

    Args:
        residual_db: ``(n_units, n_subbands)``.
        scale_db: of the same shape, scale of the t.
        kind: ``(n_units,)``: ``MISSING``, ``MEASURED`` or ``LOWER_BOUND``; a bound is consistent
            with every higher level.
        doublings: 0 to 3.
        shift_db: ``(1 or n_units, 1 or n_subbands, n_ratios)``: by how much a source at that ratio
            to the expected level raises it.
        gain_variance: of the same shape, in dB^2.
        reach: entries.
        n_nothing: so many of the lowest ratios raise nothing; their entries are zero.
        density: ``(n_ratios,)``, work space.
        tables: ``(n_units, n_subbands, 2, n_ratios // 2)``, written: entry ``i`` of the ratios is
            at ``[i % 2, i // 2]``, so that steps of two entries lie side by side.
    """
    n_units, n_subbands = residual_db.shape
    n_ratios = shift_db.shape[2]
    nu = 2.0 ** (doublings + 1) - 1.0
    for u in range(n_units):
        for k in range(n_subbands):
            first = n_ratios if kind[u] == MISSING else n_nothing
            for r in range(first):
                tables[u, k, r % 2, r // 2] = 0.0
            if kind[u] == MISSING:
                continue
            shift = shift_db[u % shift_db.shape[0], k % shift_db.shape[1]]
            more = gain_variance[u % shift_db.shape[0], k % shift_db.shape[1]]
            is_bound = kind[u] == LOWER_BOUND
            variance = scale_db[u, k] * scale_db[u, k]
            error = residual_db[u, k]
            if is_bound:
                error = max(error, 0.0)
            none = 1.0 + error * error / (nu * variance)
            for r in range(first, n_ratios):
                total = variance + more[r]
                error = residual_db[u, k] - shift[r]
                if is_bound:
                    error = max(error, 0.0)
                ratio = none / (1.0 + error * error / (nu * total))
                for _ in range(doublings + 1):
                    ratio *= ratio
                if not is_bound:
                    ratio *= variance / total
                density[r] = math.sqrt(ratio)
            for r in range(first):
                density[r] = 1.0
            for r in range(first, n_ratios):
                low = density[max(r - reach, 0)]
                high = density[min(r + reach, n_ratios - 1)]
                tables[u, k, r % 2, r // 2] = math.log((low + 4.0 * density[r] + high) / 6.0)


@apart
def _add_unit(
    table: Float32Array, offset: float, gain_steps: Float32Array, last: int, sums: Float32Array
) -> None:
    """Add one unit's table ``(2, n_ratios // 2)`` to the sums ``(n_cells, N_POWERS)``."""
    for c in range(gain_steps.shape[0]):
        entry = min(max(int(offset + gain_steps[c]), 0), last)
        row = table[entry & 1]
        first = entry >> 1
        for p in range(N_POWERS):
            sums[c, p] += row[first + p]


@kernel
def sum_cells(
    tables: Float32Array,
    offset: FloatArray,
    gain_steps: Float32Array,
    prior: Float32Array,
    sums: Float32Array,
    cells: FloatArray,
    subbands: Float32Array,
    powers: Float32Array,
) -> None:
    """Sum the tables over the units for each cell.

    Args:
        tables: of :func:`fill_tables`.
        offset: ``(n_units, n_subbands)``: entry of the table for a gain of 0 dB at the lowest
            power.
        gain_steps: ``(n_units, n_cells)``: gain divided by the distance of two entries.
        prior: ``(N_POWERS,)``: logarithm of the probability of each power.
        sums: ``(n_cells, N_POWERS)``, work space.
        cells: ``(n_cells,)``, written: evidence for a source in each cell; each subband is hit or
            not with equal chance, and if hit, its power is the best of ``N_POWERS``.
        subbands: ``(n_cells, n_subbands)``, written: evidence of each subband alone.
        powers: ``(n_cells, n_subbands)``, written: index of the best power.
    """
    n_units, n_cells = gain_steps.shape
    last = 2 * (tables.shape[3] - N_POWERS) + 1
    cells[:] = 0.0
    for k in range(offset.shape[1]):
        sums[:] = prior
        for u in range(n_units):
            _add_unit(tables[u, k], offset[u, k], gain_steps[u], last, sums)
        for c in range(n_cells):
            best = 0
            for p in range(1, N_POWERS):
                if sums[c, p] > sums[c, best]:
                    best = p
            value = sums[c, best]
            subbands[c, k] = value
            powers[c, k] = np.float32(best)
            if value > np.float32(30.0):
                cells[c] += value - math.log(2.0)
            elif value < np.float32(-30.0):
                cells[c] -= math.log(2.0)
            else:
                cells[c] += math.log(0.5 + 0.5 * math.exp(value))
