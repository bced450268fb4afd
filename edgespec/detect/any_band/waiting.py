"""Hops that wait before they are learnt: an alarm that opens meanwhile was about them."""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray

__all__ = ["Waiting"]


class Waiting:
    """A ring of hops.

    Args:
        n_hops: that wait; none of them is learnt where it is cleared.
        shape: of the levels of a hop.
        n_parts: numbers that may go with a hop.
    """

    def __init__(self, n_hops: int, shape: tuple[int, ...], n_parts: int) -> None:
        self._levels_db = np.zeros((n_hops + 1, *shape), np.float32)
        self._parts_db = np.zeros((n_hops + 1, n_parts))
        self._n = 0

    def clear(self) -> None:
        """Drop all that wait."""
        self._n = 0

    def swap(
        self, levels_db: FloatArray, parts_db: NDArray[np.float64] | None
    ) -> tuple[FloatArray, NDArray[np.float64] | None] | None:
        """Let a hop wait, and return the one that has waited for long enough, if there is one."""
        size = len(self._parts_db)
        at = self._n % size
        self._levels_db[at] = levels_db
        if parts_db is not None:
            self._parts_db[at] = parts_db
        self._n += 1
        if self._n < size:
            return None
        oldest = self._n % size
        return self._levels_db[oldest], None if parts_db is None else self._parts_db[oldest]

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into those that wait."""
        self._levels_db += np.float32(step_db)
