"""The runs of neighbouring bins that are looked at together."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["LONG_FRAMES", "MOST_EXACT", "WIDTHS", "n_runs", "widths_of"]

#: Neighbouring bins that are looked at together; more than there are is all of them.
WIDTHS = (1, 3, 8, 24, 128)
#: Frames of a mean.
LONG_FRAMES = 8
#: Of fewer frames the floor is the smallest, else the smallest but one.
MOST_EXACT = 9


def widths_of(n_bins: int) -> NDArray[np.int64]:
    """Return the widths of runs in a band of so many bins, rising, int64 ``(n_widths,)``."""
    return np.array(sorted({min(width, n_bins) for width in WIDTHS}), np.int64)


def n_runs(n_bins: int) -> int:
    """Return how many runs there are; those of one width follow each other, the narrowest first."""
    return int((n_bins + 1 - widths_of(n_bins)).sum())
