"""The rule of :mod:`edgespec.dsp.quality` in one pass over samples that are about to be used.

Reading a frame from end to end before its transform costs little: it also brings the samples into
the cache in the order that memory likes best.
"""

import numpy as np

from edgespec.dsp.jit import kernel
from edgespec.records import FrameFlag

__all__ = ["flag_floats", "flag_integers"]

_VALID = np.uint8(FrameFlag.VALID)
_CLIPPED = np.uint8(FrameFlag.CLIPPED)
_CONSTANT = np.uint8(FrameFlag.CONSTANT)


@kernel
def flag_integers(items, ends, max_clipped):  # type: ignore[no-untyped-def]
    """Return CLIPPED and CONSTANT of one frame, I and Q alternating, counting only if need be.

    ``ends`` float64 ``(2,)``: lowest and highest value of the type; ``max_clipped`` is how many
    components of a valid frame may have them.
    """
    low, high = items.dtype.type(ends[0]), items.dtype.type(ends[1])
    reached = False
    for i in range(len(items)):
        reached |= (items[i] == low) | (items[i] == high)
    n_clipped = 0
    if reached:
        for i in range(len(items)):
            n_clipped += (items[i] == low) | (items[i] == high)
    flag = _CONSTANT if _is_constant(items) else _VALID
    return flag | _CLIPPED if n_clipped > max_clipped else flag


@kernel
def flag_floats(items, ends, max_clipped):  # type: ignore[no-untyped-def]
    """Return the same for complex64, where ``ends`` are limits, and NaN is beyond neither.

    Nothing is counted where all components may be clipped.
    """
    low, high = np.float32(ends[0]), np.float32(ends[1])
    n_clipped = 0
    if max_clipped < len(items):
        for i in range(len(items)):
            n_clipped += (items[i] <= low) | (items[i] >= high)
    flag = _CONSTANT if _is_constant(items) else _VALID
    return flag | _CLIPPED if n_clipped > max_clipped else flag


@kernel
def _is_constant(items):  # type: ignore[no-untyped-def]
    i = 2
    while i < len(items) and items[i] == items[i - 2]:
        i += 1
    return i == len(items)
