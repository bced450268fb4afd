"""What a site hears above expectation and learnt bias."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.collector import Snapshot
from edgespec.twin.detectors.window import Window
from edgespec.twin.learning.history import total_db
from edgespec.twin.learning.kernels import compare
from edgespec.twin.learning.normal import NormalStatistics

__all__ = ["Residuals"]

FloatArray = NDArray[np.float64]


class Residuals:
    """Compares snapshots with what is expected; what that says of each level is kept meanwhile.

    ``expected_dbm`` float64 and ``is_occupied`` bool ``(n_units, n_subbands)`` are those of
    :class:`edgespec.twin.expected.Expectation`, ``scales_db`` the usual scale of each window,
    ``lowest_db`` the lowest residual of the last snapshot.

    Args:
        normal: what was learnt.
        expected_dbm: expected levels.
        is_occupied: where transmitters give more power than noise.
    """

    def __init__(
        self, normal: NormalStatistics, expected_dbm: FloatArray, is_occupied: NDArray[np.bool_]
    ) -> None:
        self._normal = normal
        self.expect(expected_dbm, is_occupied)
        self.lowest_db = np.inf

    def expect(self, expected_dbm: FloatArray, is_occupied: NDArray[np.bool_]) -> None:
        """Expect other levels from now on."""
        self.expected_dbm, self.is_occupied = expected_dbm, is_occupied
        self._expected_total_dbm = total_db(expected_dbm)
        self._bias_db = self._normal.bias_for(is_occupied)
        n_windows = len(self._normal.doublings)
        self.scales_db = [self._normal.scale_for(index, is_occupied) for index in range(n_windows)]

    def bias_db(self, drift_db: FloatArray) -> FloatArray:
        """Return what each unit reads too much: learnt, and drifted ``(n_units,)`` since."""
        return self._bias_db + drift_db[:, None]

    def window(self, snapshot: Snapshot, drift_db: FloatArray) -> Window:
        """Return the residuals of a snapshot; they are its own."""
        residual_db, above_db = np.empty_like(snapshot.level_db), np.empty(len(drift_db))
        self.lowest_db = compare(
            snapshot.level_db,
            snapshot.kind,
            self.expected_dbm,
            self._expected_total_dbm,
            self._bias_db,
            drift_db,
            residual_db,
            above_db,
        )
        scale_db, doublings = self.scales_db[0], self._normal.doublings[0]
        return Window(residual_db, scale_db, self.expected_dbm, above_db, snapshot.kind, doublings)
