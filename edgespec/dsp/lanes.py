"""The two ends of the fast front end: samples into SIMD lanes, and sums of power out as dBFS.

Samples come as 32-bit words, whatever their format: half a complex64 sample, one of int16, two of
int8 or uint8. Moving words is what keeps the transposition cheap.
"""

import math

import numpy as np

from edgespec.dsp.passes import BLOCK, LANES, plus
from edgespec.jit import apart, kernel, scalar
from edgespec.records import FrameFlag
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["gather", "lane_widths", "move_sums", "store_dbfs"]

_NONFINITE = np.uint8(FrameFlag.NONFINITE)
_ZERO = np.float32(0.0)
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


def lane_widths(n_averages: int) -> list[int]:
    """Return how many frames to compute side by side when 0, 1, ..., 16 of them are left.

    Frames that do not fill the lanes are given several lanes each, for several of their averages
    at once: w frames then take ``ceil(n_averages * w / 16)`` steps. Of all ways to divide what is
    left the one with the fewest steps is taken, and of those the one in the
    fewest parts, the largest first.
    """
    best = [(0, 0, 0)]
    for n_left in range(1, LANES + 1):
        ways = []
        for width in (16, 8, 4, 2, 1):
            n_steps, n_parts, _ = best[max(n_left - width, 0)]
            ways.append((n_steps - (-n_averages * width // LANES), n_parts + 1, -width))
        best.append(min(ways))
    return [-width for _, _, width in best]


@scalar
def gather(words, starts, n_words, column, block, tile):  # type: ignore[no-untyped-def]
    """Transpose the words of one FFT of every lane to items of the tile.

    Args:
        words: int32, all samples.
        starts: uint64 ``(16,)``, where the FFT of each lane begins.
        n_words: length of an FFT, a multiple of 32.
        column: items between points that are B points apart.
        block: int32 ``(512,)``, scratch.
        tile: int32, ``n_words`` items and those left free.
    """
    item = np.uint64(0)
    for first in range(0, n_words, BLOCK):
        if column % BLOCK == 1 and first and first % (column - 1) == 0:
            item += np.uint64(LANES)
        _zip_lanes(words, starts, np.uint64(first), block)
        _zip_quarters(block, tile, item)
        item += np.uint64(BLOCK * LANES)


# Interleaving four by four twice is a transposition of 16 lanes, and interleaving is what vector
# units have instructions for. Indices are unsigned: nobody then asks whether they are negative.


@apart
def _zip_lanes(words, starts, first, block):  # type: ignore[no-untyped-def]
    for quarter in range(4):
        a, b = starts[quarter] + first, starts[quarter + 4] + first
        c, d = starts[quarter + 8] + first, starts[quarter + 12] + first
        for k in range(BLOCK):
            w, o = np.uint64(k), 4 * (quarter * BLOCK + k)
            block[o] = words[a + w]
            block[o + 1] = words[b + w]
            block[o + 2] = words[c + w]
            block[o + 3] = words[d + w]


@apart
def _zip_quarters(block, tile, item):  # type: ignore[no-untyped-def]
    for k in range(4 * BLOCK):
        o = item + np.uint64(4 * k)
        tile[o] = block[k]
        tile[o + np.uint64(1)] = block[k + 4 * BLOCK]
        tile[o + np.uint64(2)] = block[k + 8 * BLOCK]
        tile[o + np.uint64(3)] = block[k + 12 * BLOCK]


@apart
def move_sums(parts, n_sides, width, lane, sums):  # type: ignore[no-untyped-def]
    """Add lanes of ``parts`` to lanes of ``sums`` from ``lane`` on, and set ``parts`` to zero.

    Lane ``s * width + f`` of ``parts`` belongs to frame f; sides s are added in their order, one
    by one, so a frame has the same sum however many lanes it was given.
    """
    if width == LANES:
        for k in range(len(parts)):
            sums[k] = parts[k]
            parts[k] = _ZERO
        return
    for side in range(n_sides):
        for item in range(0, len(parts), LANES):
            for f in range(width):
                o, i = np.uint64(item + lane + f), np.uint64(item + side * width + f)
                sums[o] = plus(sums[o], parts[i])
    for k in range(len(parts)):
        parts[k] = _ZERO


@kernel
def store_dbfs(sums, row_bins, out, flags, first, stop):  # type: ignore[no-untyped-def]
    """Write ``10 log10`` of the sums to ``out[first:stop]``, the middle bin first.

    Rows of ``row_bins`` items of ``sums`` have a free one behind them. A frame with a power that
    is not finite is filled with the floor and flagged.
    """
    bits, n_bins = out.view(np.int32), out.shape[1]
    n_lines = n_bins // row_bins
    for frame in range(first, stop):
        row, lane = np.uint64(frame), frame - first
        for line in range(n_lines):
            o = np.uint64((line + n_lines // 2) % n_lines * row_bins)
            i = np.uint64(line * (row_bins + 1) * LANES + lane)
            for q in range(np.uint64(row_bins)):
                out[row, o + q] = sums[i + q * np.uint64(LANES)]
        found = False
        for p in range(n_bins):
            found |= (bits[row, p] & _INFINITE) == _INFINITE
        if found:
            flags[frame] |= _NONFINITE
            for p in range(n_bins):
                out[row, p] = _FLOOR
            continue
        for p in range(n_bins):
            exponent = np.float32((bits[row, p] >> _BITS) - _BIAS)
            bits[row, p] = (bits[row, p] & _MANTISSA) | _ONE
            x = out[row, p]
            t = (x - _SQRT_2) / (x + _SQRT_2)
            u = t * t
            octaves = exponent + (_L0 + t * (_L1 + u * (_L3 + u * (_L5 + u * _L7))))
            out[row, p] = max(_DB_PER_OCTAVE * octaves, _FLOOR)
