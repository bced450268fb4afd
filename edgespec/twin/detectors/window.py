"""What a detector looks at: residuals of one snapshot, or averaged over several."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.level_kind import MISSING

__all__ = ["Window"]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Residuals of a site, and how far each is to be believed.

    ``residual_db``, ``scale_db`` and ``expected_dbm`` are float64 ``(n_units, n_subbands)``: what
    was measured above expectation and learnt bias, its usual scale, and the expected level.
    ``total_db`` float64 ``(n_units,)`` is the residual of the power over all subbands, nothing
    learnt removed. ``kind`` uint8 ``(n_units,)``: missing, measured, or a bound from below; the
    entries of a missing unit mean nothing.
    """

    residual_db: NDArray[np.float64]
    scale_db: NDArray[np.float64]
    expected_dbm: NDArray[np.float64]
    total_db: NDArray[np.float64]
    kind: NDArray[np.uint8]
    doublings: int

    @property
    def is_heard(self) -> NDArray[np.bool_]:
        """Which units say anything: bool ``(n_units,)``."""
        return np.asarray(self.kind != MISSING)

    @property
    def n_heard(self) -> int:
        """How many units say anything."""
        return int(np.count_nonzero(self.kind))

    def without(self, units: tuple[int, ...]) -> "Window":
        """Return the window without some units."""
        if not units:
            return self
        kind = self.kind.copy()
        kind[list(units)] = MISSING
        return replace(self, kind=kind)
