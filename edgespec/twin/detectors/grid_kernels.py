"""Loops of the likelihood detector: tables of log-likelihood ratios, and their sums over cells."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import apart, exp2, kernel, log2

__all__ = ["LOWER_BOUND", "MEASURED", "MISSING", "N_POWERS", "N_RATIOS", "fill_tables", "sum_cells"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.int32]

#: What a level is: nothing, a value, or (of a saturated unit) a bound from below.
MISSING, MEASURED, LOWER_BOUND = 0, 1, 2

#: Powers that one lookup covers.
N_POWERS = 12
#: Entries of a table: a constant, and a multiple of eight, so that loops over it are vectors alone.
N_RATIOS = 72

_ZERO, _HALF, _ONE, _FOUR = (np.float32(value) for value in (0.0, 0.5, 1.0, 4.0))
_NATS_PER_OCTAVE = np.float32(math.log(2.0))
_OCTAVES_PER_NAT = np.float32(1.0 / math.log(2.0))
_OCTAVES_OF_6 = np.float32(math.log2(6.0))


@apart
def _densities(
    residual_db: np.float32,
    lowest_db: np.float32,
    variance: np.float32,
    per_nu: np.float32,
    power: np.float32,
    none: np.float32,
    root: np.float32,
    shift_db: Float32Array,
    gain_variance: Float32Array,
    octaves: Float32Array,
) -> None:
    """Write the density with a source over that without one, in octaves, for each ratio.

    ``power`` is that of ``1 + t^2 / nu`` in the density, ``none`` its logarithm without a source,
    ``root`` a half where the spread counts. Errors below ``lowest_db`` are as likely as that.
    """
    for r in range(N_RATIOS):
        wider = _ONE + gain_variance[r] / variance
        error = max(residual_db - shift_db[r], lowest_db)
        quotient = error * error * per_nu / (variance * wider)
        octaves[r] = power * (none - log2(_ONE + quotient)) - root * log2(wider)


@apart
def _smear(low: Float32Array, middle: Float32Array, high: Float32Array, nats: Float32Array) -> None:
    """Write the logarithm of the mean of three densities, weights 1/6, 2/3 and 1/6."""
    for r in range(N_RATIOS):
        most = max(max(low[r], high[r]), middle[r])
        total = exp2(low[r] - most) + _FOUR * exp2(middle[r] - most) + exp2(high[r] - most)
        nats[r] = _NATS_PER_OCTAVE * (most - _OCTAVES_OF_6 + log2(total))


@apart
def _deal(nats: Float32Array, table: Float32Array) -> None:
    for i in range(N_RATIOS // 2):
        table[0, i] = nats[2 * i]
        table[1, i] = nats[2 * i + 1]


@kernel
def fill_tables(
    residual_db: FloatArray,
    scale_db: FloatArray,
    kind: ByteArray,
    doublings: int,
    shift_db: Float32Array,
    gain_variance: Float32Array,
    reach: int,
    n_nothing: int,
    work: Float32Array,
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
        shift_db: ``(1 or n_units, 1 or n_subbands, N_RATIOS)``: by how much a source at that ratio
            to the expected level raises it.
        gain_variance: of the same shape, in dB^2.
        reach: entries.
        n_nothing: so many of the lowest ratios raise nothing; their entries are zero.
        work: ``(2 * (N_RATIOS + reach),)``.
        tables: ``(n_units, n_subbands, 2, N_RATIOS // 2)``, written: entry ``i`` of the ratios is
            at ``[i % 2, i // 2]``, so that steps of two entries lie side by side.
    """
    n_units, n_subbands = residual_db.shape
    per_nu = np.float32(1.0 / (2.0 ** (doublings + 1) - 1.0))
    power = np.float32(2.0**doublings)
    # Beyond both ends as many entries as are smeared are those of the ends.
    octaves = work[: N_RATIOS + 2 * reach]
    nats = work[N_RATIOS + 2 * reach :]
    for u in range(n_units):
        if kind[u] == MISSING:
            tables[u] = _ZERO
            continue
        is_bound = kind[u] == LOWER_BOUND
        lowest_db = _ZERO if is_bound else np.float32(-np.inf)
        root = _ZERO if is_bound else _HALF
        for k in range(n_subbands):
            error_db = np.float32(residual_db[u, k])
            variance = np.float32(scale_db[u, k] * scale_db[u, k])
            without = max(error_db, lowest_db)
            none = log2(_ONE + without * without * per_nu / variance)
            _densities(
                error_db,
                lowest_db,
                variance,
                per_nu,
                power,
                none,
                root,
                shift_db[u % shift_db.shape[0], k % shift_db.shape[1]],
                gain_variance[u % shift_db.shape[0], k % shift_db.shape[1]],
                octaves[reach:],
            )
            octaves[reach : reach + n_nothing] = _ZERO
            octaves[:reach] = octaves[reach]
            octaves[reach + N_RATIOS :] = octaves[reach + N_RATIOS - 1]
            _smear(octaves, octaves[reach:], octaves[2 * reach :], nats)
            nats[:n_nothing] = _ZERO
            _deal(nats, tables[u, k])


@apart
def _starts_of(
    offset: np.float32, gain_steps: Float32Array, base: np.int32, starts: IntArray
) -> None:
    """Write where the powers of one unit begin in all tables, for each cell."""
    half = np.int32(N_RATIOS // 2)
    last = np.int32(2 * (N_RATIOS // 2 - N_POWERS) + 1)
    for c in range(len(gain_steps)):
        entry = min(max(np.int32(offset + gain_steps[c]), np.int32(0)), last)
        starts[c] = base + (entry & np.int32(1)) * half + (entry >> np.int32(1))


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
                row[p] += entries[first + np.uint64(p)]


@apart
def _add_hit(subbands: Float32Array, k: int, odds: FloatArray, cells: FloatArray) -> None:
    """Add ``log((1 + e^v) / 2)``, the part that is at most log 2 as a factor of the odds."""
    for c in range(len(cells)):
        value = subbands[c, k]
        above = max(value, _ZERO)
        cells[c] += np.float64(above)
        odds[c] *= 0.5 + 0.5 * np.float64(exp2((value - above - above) * _OCTAVES_PER_NAT))


@kernel
def sum_cells(
    tables: Float32Array,
    offset: FloatArray,
    gain_steps: Float32Array,
    prior: Float32Array,
    starts: IntArray,
    sums: Float32Array,
    odds: FloatArray,
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
        starts: ``(n_units, n_cells)``, work space.
        sums: ``(n_cells, N_POWERS)``, work space.
        odds: ``(n_cells,)``, work space.
        cells: ``(n_cells,)``, written: evidence for a source in each cell; each subband is hit or
            not with equal chance, and if hit, its power is the best of ``N_POWERS``.
        subbands: ``(n_cells, n_subbands)``, written: evidence of each subband alone.
        powers: ``(n_cells, n_subbands)``, written: index of the best power.
    """
    n_units, n_cells = gain_steps.shape
    n_subbands = offset.shape[1]
    entries = tables.reshape(-1)
    odds[:] = 1.0
    cells[:] = 0.0
    for k in range(n_subbands):
        for u in range(n_units):
            base = np.int32((u * n_subbands + k) * N_RATIOS)
            _starts_of(np.float32(offset[u, k]), gain_steps[u], base, starts[u])
        _add_units(entries, starts, prior, sums)
        for c in range(n_cells):
            best = 0
            for p in range(1, N_POWERS):
                if sums[c, p] > sums[c, best]:
                    best = p
            subbands[c, k] = sums[c, best]
            powers[c, k] = np.float32(best)
        _add_hit(subbands, k, odds, cells)
    for c in range(n_cells):
        cells[c] += math.log(odds[c])
