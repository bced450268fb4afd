"""Samples as floats that are next to nothing: processors take far longer for such numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_PART", "flush_faint"]

#: I and Q below this are silence: their power is less than the least normal float32, nearly.
LEAST_PART = 1e-18
#: One of so many numbers is looked at first, so that a usual block costs nothing.
_STEP = 61


def flush_faint(samples: NDArray[Any]) -> None:
    """Write 0 over a block of complex64 in which nothing reaches :data:`LEAST_PART`.

    Other blocks, and those of integers, stay as they are.
    """
    if samples.dtype != np.complex64 or not len(samples):
        return
    parts = samples.view(np.float32)
    for some in (parts[::_STEP], parts):
        # NaN is below nothing.
        if not (np.abs(some) < LEAST_PART).all():
            return
    samples[:] = 0.0
