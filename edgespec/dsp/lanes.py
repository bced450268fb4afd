"""The two ends of the fast front end: samples into SIMD lanes, and sums of power out as dBFS.

Samples come as 32-bit words, whatever their format: half a complex64 sample, one of int16, two of
int8 or uint8. Moving words is what keeps the transposition cheap: the loop over lanes is the inner
one, so the processor follows 16 streams at once.
"""

import math

import numpy as np

from edgespec.dsp.jit import kernel, scalar
from edgespec.dsp.passes import LANES
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["load_cf32", "load_ci16", "load_int8", "store_dbfs"]

_FLOOR = np.float32(POWER_FLOOR_DBFS)
_DB_PER_OCTAVE = np.float32(10.0 * math.log10(2.0))
_SQRT_2 = np.float32(math.sqrt(2.0))
#: log2(x) = 1/2 + 2/ln 2 * (t + t^3/3 + t^5/5 + ...), t = (x - sqrt 2) / (x + sqrt 2), 1 <= x < 2.
_L0, _L1, _L3, _L5, _L7 = (
    np.float32(0.5),
    *(np.float32(2.0 / math.log(2.0) / k) for k in (1, 3, 5, 7)),
)
_INFINITE = np.int32(0x7F800000)
_MANTISSA = np.int32(0x007FFFFF)
_ONE = np.int32(0x3F800000)
_BIAS = np.int32(127)
_BITS = np.int32(23)


@kernel
def load_cf32(words, start, stride, window, work, row):  # type: ignore[no-untyped-def]
    """Write windowed complex64 samples to rows 0 and 1 of ``work``: point p of lane b at 16 p + b.

    Lane b begins at word ``start + b * stride``; ``window`` float32 ``(n_fft,)`` holds taper and
    scale. The loaders below work alike for other formats.
    """
    items = words.view(np.float32)
    for p in range(len(window)):
        w = window[p]
        column = items[start + 2 * p :]
        for b in range(LANES):
            k = p * LANES + b
            work[k] = column[b * stride] * w
            work[row + k] = column[b * stride + 1] * w


@kernel
def load_ci16(words, start, stride, window, work, row, tile):  # type: ignore[no-untyped-def]
    """One sample in a word: I in the lower half, Q in the upper. ``tile`` is scratch."""
    _gather(words, start, stride, len(window), tile)
    for p in range(len(window) // 2):
        v, w = window[2 * p], window[2 * p + 1]
        for b in range(LANES):
            k = 2 * p * LANES + b
            i = k + LANES
            work[k] = _field(tile[k], 16, 16) * v
            work[row + k] = _field(tile[k], 0, 16) * v
            work[i] = _field(tile[i], 16, 16) * w
            work[row + i] = _field(tile[i], 0, 16) * w


@kernel
def load_int8(words, start, stride, window, work, row, tile, flip, offset):  # type: ignore[no-untyped-def]
    """Two samples in a word. ``flip`` turns offset binary into two's complement, which is then
    ``offset`` too low; for samples that are signed already both are zero.
    """
    n_words = len(window) // 2
    _gather(words, start, stride, n_words, tile)
    for p in range(n_words):
        v, w = window[2 * p], window[2 * p + 1]
        for b in range(LANES):
            word = tile[p * LANES + b] ^ flip
            k = 2 * p * LANES + b
            work[k] = (_field(word, 24, 24) + offset) * v
            work[row + k] = (_field(word, 16, 24) + offset) * v
            work[k + LANES] = (_field(word, 8, 24) + offset) * w
            work[row + k + LANES] = (_field(word, 0, 24) + offset) * w


@kernel
def _gather(words, start, stride, n_words, tile):  # type: ignore[no-untyped-def]
    for p in range(n_words):
        # An index into a slice cannot be negative, which spares the test for it.
        column = words[start + p :]
        for b in range(LANES):
            tile[p * LANES + b] = column[b * stride]


@scalar
def _field(word, left, right):  # type: ignore[no-untyped-def]
    return np.float32(np.int32(np.int32(word << np.int32(left)) >> np.int32(right)))


@kernel
def store_dbfs(work, sums, n_fft, out, first, n_rows, finite):  # type: ignore[no-untyped-def]
    """Write ``10 log10`` of the sums to ``out[first:first + n_rows]``, the middle bin first.

    ``work[sums:]`` holds the power of bin p in lane b at ``16 p + b`` and is overwritten. Lanes
    with a power that is not finite are filled with the floor and ``finite`` is 0 for them.
    """
    bits = work.view(np.int32)
    for b in range(LANES):
        finite[b] = 1
    for p in range(n_fft):
        for b in range(LANES):
            if (bits[sums + p * LANES + b] & _INFINITE) == _INFINITE:
                finite[b] = 0
    for k in range(sums, sums + n_fft * LANES):
        exponent = np.float32((bits[k] >> _BITS) - _BIAS)
        bits[k] = (bits[k] & _MANTISSA) | _ONE
        x = work[k]
        t = (x - _SQRT_2) / (x + _SQRT_2)
        u = t * t
        octaves = exponent + (_L0 + t * (_L1 + u * (_L3 + u * (_L5 + u * _L7))))
        work[k] = max(_DB_PER_OCTAVE * octaves, _FLOOR)
    half = n_fft // 2
    for b in range(n_rows):
        lane, line = work[sums + b :], out[first + b]
        if finite[b]:
            for p in range(half):
                line[p] = lane[(p + half) * LANES]
                line[p + half] = lane[p * LANES]
        else:
            for p in range(n_fft):
                line[p] = _FLOOR
