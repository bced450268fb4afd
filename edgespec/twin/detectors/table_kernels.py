"""Tables of log-likelihood ratios: of one level, for each ratio of a source to what is expected."""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import apart, exact, log2
from edgespec.twin.level_kind import LOWER_BOUND, MISSING

__all__ = ["N_PARTS", "N_POWERS", "N_RATIOS", "entry_of", "fill_tables", "offset_of"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

#: Powers that one lookup covers.
N_POWERS = 12
#: Entries of a table.
N_RATIOS = 72
#: The last at which a lookup may begin.
_LAST_ENTRY = 2 * (N_RATIOS // 2 - N_POWERS) + 1
#: Rows of entries that are needed while a table is made.
N_PARTS = 5

#: Entries are made by so many, so that loops over them are vectors alone.
_BLOCK = 8

_ZERO, _ONE, _TWO, _FOUR = (np.float32(value) for value in (0.0, 1.0, 2.0, 4.0))
#: From so many doublings on a density is steep.
_STEEP = 3
_NATS_PER_OCTAVE = np.float32(math.log(2.0))
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
def offset_of(lowest_step: float, expected_dbm: float, per_step: float) -> np.float32:
    """Return the entry of the lowest power at a gain of 0: the same number to whoever asks."""
    return np.float32(lowest_step - expected_dbm * per_step)


@exact
def entry_of(offset: np.float32, gain_steps: np.float32) -> np.int32:
    """Return the entry of the lowest power."""
    return np.int32(min(max(np.int32(offset + gain_steps), np.int32(0)), np.int32(_LAST_ENTRY)))


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
def fill_tables(
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
            offset = offset_of(lowest_step, expected_dbm[u, k], per_step)
            first = max(int(entry_of(offset, gain_range[u, 0])) & ~1, n_nothing)
            n_blocks = _blocks(int(entry_of(offset, gain_range[u, 1])) + 2 * N_POWERS - 1 - first)
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
