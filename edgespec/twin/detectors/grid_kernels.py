"""Loops of the likelihood detector: tables of log-likelihood ratios, and their sums over cells."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import apart, exact, exp2, log2, packed

__all__ = ["LOWER_BOUND", "MEASURED", "MISSING", "N_PARTS", "N_POWERS", "N_RATIOS", "weigh_cells"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.int32]

#: What a level is: nothing, a value, or (of a saturated unit) a bound from below.
MISSING, MEASURED, LOWER_BOUND = 0, 1, 2

#: Powers that one lookup covers.
N_POWERS = 12
#: Entries of a table.
N_RATIOS = 72
#: Rows of entries that are needed while a table is made.
N_PARTS = 5

#: Entries are made by so many, so that loops over them are vectors alone.
_BLOCK = 8

_ZERO, _ONE, _TWO, _FOUR = (np.float32(value) for value in (0.0, 1.0, 2.0, 4.0))
#: From so many doublings on a density is steep.
_STEEP = 3
_NATS_PER_OCTAVE = np.float32(math.log(2.0))
_OCTAVES_PER_NAT = np.float32(1.0 / math.log(2.0))
_OCTAVES_OF_6 = np.float32(math.log2(6.0))


@exact
def _blocks(n: int) -> int:
    """Return how many blocks so many entries are."""
    return (n + _BLOCK - 1) // _BLOCK


@apart
def _densities(
    n_blocks: int,
    residual_db: np.float32,
    lowest_db: np.float32,
    per_variance: np.float32,
    per_nu: np.float32,
    narrowest: np.float32,
    shift_db: Float32Array,
    gain_variance: Float32Array,
    near: Float32Array,
    peak: Float32Array,
) -> None:
    """Write both parts of the density with a source, for each ratio: it is ``near^power peak``.

    ``near`` is ``1 / (1 + t^2 / nu)``; ``peak`` falls with the spread, unless ``narrowest`` is 1.
    Errors below ``lowest_db`` are as likely as that.
    """
    for block in range(n_blocks):
        for i in range(_BLOCK):
            r = np.uint64(_BLOCK * block) + np.uint64(i)
            narrower = _ONE / (_ONE + gain_variance[r] * per_variance)
            error = max(residual_db - shift_db[r], lowest_db)
            near[r] = _ONE / (_ONE + error * error * per_nu * per_variance * narrower)
            peak[r] = math.sqrt(max(narrower, narrowest))


@apart
def _extend(values: Float32Array, reach: int, n_nothing: int, nothing: np.float32) -> None:
    """Let the lowest ratios raise nothing, and go on beyond both ends with what is there."""
    values[reach : reach + n_nothing] = nothing
    values[:reach] = values[reach]
    values[reach + N_RATIOS :] = values[reach + N_RATIOS - 1]


@apart
def _shares(
    n_blocks: int,
    near: Float32Array,
    reach: int,
    far: np.float32,
    most: Float32Array,
    low: Float32Array,
    middle: Float32Array,
    high: Float32Array,
) -> None:
    """Write ``far`` times the greatest of three entries, and the share of each, ``reach`` apart."""
    reaching = np.uint64(reach)
    for block in range(n_blocks):
        for i in range(_BLOCK):
            r = np.uint64(_BLOCK * block) + np.uint64(i)
            middle_near, high_near = near[r + reaching], near[r + reaching + reaching]
            greatest = max(max(near[r], high_near), middle_near)
            per_greatest = _ONE / greatest
            most[r] = far * greatest
            low[r] = near[r] * per_greatest
            middle[r] = middle_near * per_greatest
            high[r] = high_near * per_greatest


@apart
def _square(n_blocks: int, values: Float32Array) -> None:
    for block in range(n_blocks):
        for i in range(_BLOCK):
            r = np.uint64(_BLOCK * block) + np.uint64(i)
            values[r] *= values[r]


@apart
def _smear(
    n_blocks: int,
    peak: Float32Array,
    reach: int,
    is_steep: bool,
    most: Float32Array,
    low: Float32Array,
    middle: Float32Array,
    high: Float32Array,
    nats: Float32Array,
) -> None:
    """Write the logarithm of the mean of three densities, weights 1/6, 2/3 and 1/6.

    ``most`` is what their shares are of, to the power of the density; of a steep one its root, for
    float32 does not hold more.
    """
    times = _TWO if is_steep else _ONE
    reaching = np.uint64(reach)
    for block in range(n_blocks):
        for i in range(_BLOCK):
            r = np.uint64(_BLOCK * block) + np.uint64(i)
            middle_peak, high_peak = peak[r + reaching], peak[r + reaching + reaching]
            total = low[r] * peak[r] + _FOUR * middle[r] * middle_peak + high[r] * high_peak
            share = math.sqrt(total) if is_steep else total
            nats[r] = _NATS_PER_OCTAVE * (times * log2(most[r] * share) - _OCTAVES_OF_6)


@apart
def _deal(n_blocks: int, nats: Float32Array, even: Float32Array, odd: Float32Array) -> None:
    for block in range(n_blocks):
        for i in range(_BLOCK // 2):
            at = np.uint64(_BLOCK // 2 * block) + np.uint64(i)
            even[at] = nats[np.uint64(2) * at]
            odd[at] = nats[np.uint64(2) * at + np.uint64(1)]


@exact
def _entry(offset: np.float32, gain_steps: np.float32) -> np.int32:
    """Return the entry of the lowest power."""
    last = np.int32(2 * (N_RATIOS // 2 - N_POWERS) + 1)
    return np.int32(min(max(np.int32(offset + gain_steps), np.int32(0)), last))


@apart
def _fill_table(
    first: int,
    n_blocks: int,
    error_db: np.float32,
    per_variance: np.float32,
    per_nu: np.float32,
    doublings: int,
    is_bound: bool,
    shift_db: Float32Array,
    gain_variance: Float32Array,
    reach: int,
    n_nothing: int,
    densities: Float32Array,
    parts: Float32Array,
    table: Float32Array,
) -> None:
    """Write blocks of entries of one table, from ``first`` on, which is even."""
    near, peak = densities[0], densities[1]
    nats, most, low, middle, high = parts[0], parts[1], parts[2], parts[3], parts[4]
    lowest_db = _ZERO if is_bound else np.float32(-np.inf)
    narrowest = _ONE if is_bound else _ZERO
    without = max(error_db, lowest_db)
    far = _ONE + without * without * per_nu * per_variance
    # Beyond both ends as many entries as are smeared are those of the ends.
    begin = max(first - reach, 0)
    n_wide = _blocks(min(first + _BLOCK * n_blocks + reach, N_RATIOS) - begin)
    begin = min(begin, N_RATIOS - _BLOCK * n_wide)
    _densities(
        n_wide,
        error_db,
        lowest_db,
        per_variance,
        per_nu,
        narrowest,
        shift_db[begin:],
        gain_variance[begin:],
        near[begin + reach :],
        peak[begin + reach :],
    )
    _extend(near, reach, n_nothing, _ONE / far)
    _extend(peak, reach, n_nothing, _ONE)
    _shares(n_blocks, near[first:], reach, far, most, low, middle, high)
    for doubling in range(doublings):
        _square(n_blocks, low)
        _square(n_blocks, middle)
        _square(n_blocks, high)
        if doubling < _STEEP - 1:
            _square(n_blocks, most)
    is_steep = doublings >= _STEEP
    _smear(n_blocks, peak[first:], reach, is_steep, most, low, middle, high, nats)
    _deal(n_blocks, nats, table[0, first // 2 :], table[1, first // 2 :])


@apart
def _fill_tables(
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
    gain_range: Float32Array,
    densities: Float32Array,
    parts: Float32Array,
    tables: Float32Array,
) -> None:
    """Write of each table the entries that any cell asks for."""
    n_units, n_subbands = residual_db.shape
    per_nu = np.float32(1.0 / (2.0 ** (doublings + 1) - 1.0))
    for u in range(n_units):
        if kind[u] == MISSING:
            tables[u] = _ZERO
            continue
        for k in range(n_subbands):
            table = tables[u, k]
            for i in range(n_nothing // 2):
                table[0, i] = table[1, i] = _ZERO
            offset = np.float32(lowest_step - expected_dbm[u, k] * per_step)
            first = max(int(_entry(offset, gain_range[u, 0])) & ~1, n_nothing)
            n_blocks = _blocks(int(_entry(offset, gain_range[u, 1])) + 2 * N_POWERS - 1 - first)
            if n_blocks <= 0:
                continue
            _fill_table(
                min(first, N_RATIOS - _BLOCK * n_blocks),
                n_blocks,
                np.float32(residual_db[u, k]),
                np.float32(1.0 / (scale_db[u, k] * scale_db[u, k])),
                per_nu,
                doublings,
                kind[u] == LOWER_BOUND,
                shift_db[u % shift_db.shape[0], k % shift_db.shape[1]],
                gain_variance[u % shift_db.shape[0], k % shift_db.shape[1]],
                reach,
                n_nothing,
                densities,
                parts,
                table,
            )


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
    _fill_tables(
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
            offset = np.float32(lowest_step - expected_dbm[u, k] * per_step)
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
