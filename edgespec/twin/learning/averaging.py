"""Means over snapshots: a unit that was heard half of the time or more has one."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.window import Window
from edgespec.twin.learning.kernels import keep, mean_of
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING

__all__ = ["Averager", "mean_kinds"]

FloatArray = NDArray[np.float64]
ByteArray = NDArray[np.uint8]


class Averager:
    """The last ``n`` snapshots and their means."""

    def __init__(self, n: int, n_units: int, n_subbands: int) -> None:
        self._rows = np.zeros((n, n_units, 2 * n_subbands + 1))
        self._kinds = np.zeros((n, n_units), np.uint8)
        self._next = 0
        self._sums = np.zeros(2 * n_subbands + 1)
        self._residual_db = np.zeros((n_units, n_subbands))
        self._expected_dbm = np.zeros((n_units, n_subbands))
        self._total_db = np.zeros(n_units)
        self._kind = np.zeros(n_units, np.uint8)

    def push(self, window: Window) -> None:
        """Take a snapshot in place of the oldest."""
        keep(
            window.residual_db,
            window.expected_dbm,
            window.total_db,
            window.kind,
            self._rows[self._next],
            self._kinds[self._next],
        )
        self._next = (self._next + 1) % len(self._kinds)

    def mean(self, scale_db: FloatArray, doublings: int) -> Window | None:
        """Return the means as a window with the scale and the tail that such means have.

        Its arrays are overwritten by the next. None where no unit was heard for half of the time.
        """
        n_means = mean_of(
            self._rows,
            self._kinds,
            self._sums,
            self._residual_db,
            self._expected_dbm,
            self._total_db,
            self._kind,
        )
        if not n_means:
            return None
        return Window(
            self._residual_db, scale_db, self._expected_dbm, self._total_db, self._kind, doublings
        )


def mean_kinds(kinds: ByteArray) -> ByteArray:
    """Return what a mean over axis 0 of ``kinds`` is: a bound if any part of it is one."""
    is_heard = 2 * (kinds != MISSING).sum(axis=0) >= len(kinds)
    is_bound = (kinds == LOWER_BOUND).any(axis=0)
    chosen = np.where(is_heard, np.where(is_bound, LOWER_BOUND, MEASURED), MISSING)
    return chosen.astype(np.uint8)
