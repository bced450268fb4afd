"""Means over snapshots: a unit that was heard half of the time or more has one."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.grid_kernels import LOWER_BOUND, MEASURED, MISSING
from edgespec.twin.detectors.window import Window

__all__ = ["Averager", "mean_kinds"]

FloatArray = NDArray[np.float64]
ByteArray = NDArray[np.uint8]


class Averager:
    """The last ``n`` snapshots and their means."""

    def __init__(self, n: int, n_units: int, n_subbands: int) -> None:
        self._n_subbands = n_subbands
        self._values = np.zeros((n, n_units, 2 * n_subbands + 1))
        self._kinds = np.zeros((n, n_units), np.uint8)
        self._next = 0

    def push(self, window: Window) -> None:
        """Take a snapshot in place of the oldest."""
        row = self._values[self._next]
        row[:, : self._n_subbands] = window.residual_db
        row[:, self._n_subbands : -1] = window.expected_dbm
        row[:, -1] = window.total_db
        row[window.kind == MISSING] = 0.0
        self._kinds[self._next] = window.kind
        self._next = (self._next + 1) % len(self._kinds)

    def mean(self, scale_db: FloatArray, doublings: int) -> Window:
        """Return the means as a window with the scale and the tail that such means have."""
        n_heard = (self._kinds != MISSING).sum(axis=0)
        mean = self._values.sum(axis=0) / np.maximum(n_heard, 1)[:, None]
        return Window(
            mean[:, : self._n_subbands],
            scale_db,
            mean[:, self._n_subbands : -1],
            mean[:, -1],
            mean_kinds(self._kinds),
            doublings,
        )


def mean_kinds(kinds: ByteArray) -> ByteArray:
    """Return what a mean over axis 0 of ``kinds`` is: a bound if any part of it is one."""
    is_heard = 2 * (kinds != MISSING).sum(axis=0) >= len(kinds)
    is_bound = (kinds == LOWER_BOUND).any(axis=0)
    chosen = np.where(is_heard, np.where(is_bound, LOWER_BOUND, MEASURED), MISSING)
    return chosen.astype(np.uint8)
