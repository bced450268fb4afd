"""Hops that wait before they are learnt: an alarm that opens meanwhile was about them."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band.known import Heard
from edgespec.records import FloatArray

__all__ = ["Waiting"]


class Waiting:
    """A ring of hops.

    Args:
        n_hops: that wait; none of them is learnt where it is cleared.
        like: a hop of the band.
        n_parts: numbers that may go with a hop.
    """

    def __init__(self, n_hops: int, like: Heard, n_parts: int) -> None:
        n = n_hops + 1
        self._levels_db = np.zeros((n, *like.levels_db.shape), np.float32)
        self._mean_db = np.zeros((n, *like.mean_db.shape), np.float32)
        self._parts_db = np.zeros((n, n_parts))
        self._n = 0

    def clear(self) -> None:
        """Drop all that wait."""
        self._n = 0

    def swap(
        self, heard: Heard, parts_db: NDArray[np.float64] | None
    ) -> tuple[FloatArray, FloatArray, NDArray[np.float64] | None] | None:
        """Let a hop wait, and return the one that has waited for long enough, if there is one."""
        size = len(self._parts_db)
        at = self._n % size
        self._levels_db[at] = heard.levels_db
        self._mean_db[at] = heard.mean_db
        if parts_db is not None:
            self._parts_db[at] = parts_db
        self._n += 1
        if self._n < size:
            return None
        oldest = self._n % size
        parts = None if parts_db is None else self._parts_db[oldest]
        return self._levels_db[oldest], self._mean_db[oldest], parts

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into those that wait."""
        self._levels_db += np.float32(step_db)
        self._mean_db += np.float32(step_db)
