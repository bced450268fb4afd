"""Memory that begins where the processor likes it to."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["LINE_BYTES", "aligned_floats"]

#: A line of cache on every processor this runs on; also the widest vector register.
LINE_BYTES = 64


def aligned_floats(n_items: int) -> NDArray[np.float32]:
    """Return zeros, float32 ``(n_items,)``, that begin on a line of cache."""
    raw = np.zeros(4 * n_items + LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % LINE_BYTES
    return raw[start : start + 4 * n_items].view(np.float32)
