"""The rule of :mod:`edgespec.dsp.quality` in one pass over samples that are about to be used.

Reading frames from end to end before their transform costs little: it also brings the samples into
the cache in the order that memory likes best.
"""

import numpy as np

from edgespec.jit import kernel, scalar
from edgespec.records import FrameFlag

__all__ = ["flag_floats", "flag_integers"]

_VALID = np.uint8(FrameFlag.VALID)
_CLIPPED = np.uint8(FrameFlag.CLIPPED)
_CONSTANT = np.uint8(FrameFlag.CONSTANT)
_HALF = np.uint8(FrameFlag.HALF)
_ONE, _TWO = np.uint64(1), np.uint64(2)


@kernel
def flag_integers(items, start, n_items, ends, max_clipped, flags, first, stop):  # type: ignore[no-untyped-def]
    """Write CLIPPED, CONSTANT and HALF of frames to ``flags[first:stop]``, counting if need be.

    ``items`` are I and Q, alternating; the frames begin at ``start`` and have ``n_items`` each.
    ``ends`` float64 ``(2,)``: lowest and highest value of the type; ``max_clipped`` is how many
    components of a valid frame may have them.
    """
    low, high = items.dtype.type(ends[0]), items.dtype.type(ends[1])
    for frame in range(first, stop):
        begin = np.uint64(start + (frame - first) * n_items)
        end = begin + np.uint64(n_items)
        reached = False
        for i in range(begin, end):
            reached |= (items[i] == low) | (items[i] == high)
        n_clipped = 0
        if reached:
            for i in range(begin, end):
                n_clipped += (items[i] == low) | (items[i] == high)
        flag = _held(items, begin, end)
        flags[frame] = flag | _CLIPPED if n_clipped > max_clipped else flag


@kernel
def flag_floats(items, start, n_items, ends, max_clipped, flags, first, stop):  # type: ignore[no-untyped-def]
    """Write the same for complex64, where ``ends`` are limits, and NaN is beyond neither.

    Nothing is counted where all components may be clipped.
    """
    low, high = np.float32(ends[0]), np.float32(ends[1])
    for frame in range(first, stop):
        begin = np.uint64(start + (frame - first) * n_items)
        end = begin + np.uint64(n_items)
        n_clipped = 0
        if max_clipped < n_items:
            for i in range(begin, end):
                n_clipped += (items[i] <= low) | (items[i] >= high)
        flag = _held(items, begin, end)
        flags[frame] = flag | _CLIPPED if n_clipped > max_clipped else flag


@scalar
def _held(items, begin, end):  # type: ignore[no-untyped-def]
    i = begin + _TWO
    while i < end and items[i] == items[i - _TWO]:
        i += _ONE
    if i == end:
        return _CONSTANT
    # This component moves: does the other one?
    other = begin + (_ONE - (i - begin) % _TWO)
    k = other + _TWO
    while k < end and items[k] == items[other]:
        k += _TWO
    return _VALID if k < end else _HALF
