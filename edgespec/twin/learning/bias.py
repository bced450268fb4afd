"""Slow drift of a unit, followed within bounds that nobody can move."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.learning.kernels import follow_drift
from edgespec.twin.options import DetectOptions

__all__ = ["BoundedBias"]

FloatArray = NDArray[np.float64]

#: Share of a residual that one snapshot would move the bias by, if it were not for the rate.
_GAIN = 0.02

#: A residual further out counts as this.
_MOST_DB = 3.0


class BoundedBias:
    """What a unit's bias moved since training: ``drift_db`` float64 ``(n_units,)``.

    Training is the held-back reference: it never changes while the twin runs. From it a bias moves
    by at most ``bias_bound_db``, and at most ``bias_db_per_hour`` in an hour, whatever the reports
    say. So an attacker who raises his power as slowly as he likes gains the bound and no more.
    """

    def __init__(self, options: DetectOptions, n_units: int) -> None:
        self._bound_db = options.bias_bound_db
        self._db_per_s = options.bias_db_per_hour / 3600.0
        self.drift_db = np.zeros(n_units)

    def take_on(self, drift_db: FloatArray) -> None:
        """Go on from the drift of a former owner, within the same bounds."""
        self.drift_db[:] = np.clip(drift_db, -self._bound_db, self._bound_db)

    def follow(self, residual_db: FloatArray, kind: NDArray[np.uint8], elapsed_s: float) -> None:
        """Move towards the residuals of a normal snapshot, ``(n_units, n_subbands)``."""
        step_db = self._db_per_s * elapsed_s
        follow_drift(residual_db, kind, _GAIN, _MOST_DB, step_db, self._bound_db, self.drift_db)
