"""Loops of the likelihood detector: sums of its tables over the units, for each cell."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import apart, exact, exp2, packed
from edgespec.twin.detectors.table_kernels import (
    N_POWERS,
    N_RATIOS,
    entry_of,
    fill_tables,
    offset_of,
)

__all__ = ["weigh_cells"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.int32]

_ZERO = np.float32(0.0)
_OCTAVES_PER_NAT = np.float32(1.0 / math.log(2.0))


@apart
def _starts_of(
    offset: np.float32, gain_steps: Float32Array, base: np.int32, starts: IntArray
) -> None:
    """Write where the powers of one unit begin in all tables, for each cell."""
    half = np.int32(N_RATIOS // 2)
    for c in range(len(gain_steps)):
        entry = entry_of(offset, gain_steps[c])
        starts[c] = base + (entry & np.int32(1)) * half + (entry >> np.int32(1))


@exact
def _plus(one: np.float32, other: np.float32) -> np.float32:
    # Powers stay side by side: LLVM would else take the units so, and gather their entries.
    return one + other


@apart
def _add_units(
    entries: Float32Array, starts: IntArray, prior: Float32Array, sums: Float32Array
) -> None:
    """Write the sums ``(n_cells, N_POWERS)`` over the units, the powers of a cell side by side."""
    for c in range(len(sums)):
        row = sums[c]
        for p in range(N_POWERS):
            row[p] = prior[p]
        for u in range(len(starts)):
            # Unsigned: nobody then asks whether it is negative.
            first = np.uint64(np.uint32(starts[u, c]))
            for p in range(N_POWERS):
                row[p] = _plus(row[p], entries[first + np.uint64(p)])


@apart
def _best_of(sums: Float32Array, best: Float32Array) -> None:
    """Write the greatest sum of each cell."""
    for c in range(len(best)):
        greatest = sums[c, 0]
        for p in range(1, N_POWERS):
            greatest = max(greatest, sums[c, p])
        best[c] = greatest


@apart
def _place_of(row: Float32Array, value: np.float32) -> int:
    """Return where the first of its value stands."""
    for p in range(N_POWERS):
        if row[p] == value:
            return p
    return 0


@apart
def _add_hit(best: Float32Array, odds: FloatArray, cells: FloatArray) -> None:
    """Add ``log((1 + e^v) / 2)``, the part that is at most log 2 as a factor of the odds."""
    for c in range(len(cells)):
        value = best[c]
        above = max(value, _ZERO)
        cells[c] += np.float64(above)
        odds[c] *= 0.5 + 0.5 * np.float64(exp2((value - above - above) * _OCTAVES_PER_NAT))


@packed
def weigh_cells(
    residual_db: FloatArray,
    scale_db: FloatArray,
    expected_dbm: FloatArray,
    kind: ByteArray,
    doublings: int,
    shift_db: Float32Array,
    gain_variance: Float32Array,
    reach: int,
    n_nothing: int,
    lowest_step: float,
    per_step: float,
    gain_steps: Float32Array,
    gain_range: Float32Array,
    prior: Float32Array,
    densities: Float32Array,
    parts: Float32Array,
    tables: Float32Array,
    starts: IntArray,
    sums: Float32Array,
    best: Float32Array,
    odds: FloatArray,
    cells: FloatArray,
    subbands: Float32Array,
    powers: Float32Array,
) -> float:
    """Weigh a source in each cell against none; return the log of the mean likelihood ratio.

    First a table for each unit and subband, of log p(residual | a source raises the level) - log
    p(residual | no source). Without a source, a residual follows Student's t with ``nu =
    2^(doublings + 1) - 1`` degrees of freedom. With one, its centre is shifted; that the path gain
    is uncertain smears it over ``reach`` entries to either side (three-point Gauss-Hermite: weights
    1/6, 2/3, 1/6), and adds ``gain_variance`` between these three points. Then these are summed
    over the units, for each cell and power.

    Args:
        residual_db: ``(n_units, n_subbands)``.
        scale_db: of the same shape, scale of the t.
        expected_dbm: of the same shape.
        kind: ``(n_units,)``: ``MISSING``, ``MEASURED`` or ``LOWER_BOUND``; a bound is consistent
            with every higher level.
        doublings: 0 to 3.
        shift_db: ``(1 or n_units, 1 or n_subbands, N_RATIOS)``: by how much a source at that ratio
            to the expected level raises it.
        gain_variance: of the same shape, in dB^2.
        reach: entries.
        n_nothing: so many of the lowest ratios raise nothing, a multiple of eight; their entries
            are zero.
        lowest_step: entry of a ratio that is the lowest power in dBm, at a gain and a level of 0.
        per_step: entries in a dB.
        gain_steps: ``(n_units, n_cells)``: gain divided by the distance of two entries.
        gain_range: ``(n_units, 2)``: the lowest and the highest of each unit.
        prior: ``(N_POWERS,)``: logarithm of the probability of each power.
        densities: ``(2, N_RATIOS + 2 * reach)``, work space.
        parts: ``(N_PARTS, N_RATIOS)``, work space.
        tables: ``(n_units, n_subbands, 2, N_RATIOS // 2)``, work space: entry ``i`` of the ratios
            is at ``[i % 2, i // 2]``, so that steps of two entries lie side by side.
        starts: ``(n_units, n_cells)``, work space.
        sums: ``(n_cells, N_POWERS)``, work space.
        best: ``(n_cells,)``, work space.
        odds: ``(n_cells,)``, work space.
        cells: ``(n_cells,)``, written: evidence for a source in each cell; each subband is hit or
            not with equal chance, and if hit, its power is the best of ``N_POWERS``.
        subbands: ``(n_cells, n_subbands)``, written: evidence of each subband alone.
        powers: ``(n_cells, n_subbands)``, written: index of the best power; or ``(0, n_subbands)``,
            where nobody asks.
    """
    fill_tables(
        residual_db,
        scale_db,
        expected_dbm,
        kind,
        doublings,
        shift_db,
        gain_variance,
        reach,
        n_nothing,
        lowest_step,
        per_step,
        gain_range,
        densities,
        parts,
        tables,
    )
    n_units, n_cells = gain_steps.shape
    n_subbands = residual_db.shape[1]
    entries = tables.reshape(-1)
    odds[:] = 1.0
    cells[:] = 0.0
    for k in range(n_subbands):
        for u in range(n_units):
            base = np.int32((u * n_subbands + k) * N_RATIOS)
            offset = offset_of(lowest_step, expected_dbm[u, k], per_step)
            _starts_of(offset, gain_steps[u], base, starts[u])
        _add_units(entries, starts, prior, sums)
        _best_of(sums, best)
        for c in range(n_cells):
            subbands[c, k] = best[c]
        for c in range(len(powers)):
            powers[c, k] = np.float32(_place_of(sums[c], best[c]))
        _add_hit(best, odds, cells)
    highest = -np.inf
    for c in range(n_cells):
        cells[c] += math.log(odds[c])
        highest = max(highest, cells[c])
    mean = 0.0
    for c in range(n_cells):
        mean += math.exp(cells[c] - highest)
    return highest + math.log(mean / n_cells)
