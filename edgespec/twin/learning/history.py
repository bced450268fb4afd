"""Snapshots side by side: what is learnt from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.level_kind import MEASURED, MISSING

__all__ = ["History", "total_db"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Consecutive snapshots of one site.

    ``level_db``, ``expected_dbm`` float64 and ``is_occupied`` bool ``(n, n_units, n_subbands)``;
    ``kind`` uint8 ``(n, n_units)``. Levels of a missing unit are NaN. ``is_held`` bool
    ``(n, n_units)``: nothing new was said; None: nowhere.
    """

    level_db: FloatArray
    expected_dbm: FloatArray
    is_occupied: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    is_held: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.kind)

    def chosen(self, which: NDArray[np.bool_]) -> "History":
        """Return the snapshots of a mask ``(n,)``."""
        return History(
            self.level_db[which],
            self.expected_dbm[which],
            self.is_occupied[which],
            self.kind[which],
            None if self.is_held is None else self.is_held[which],
        )

    @property
    def repeat_share(self) -> FloatArray:
        """How often the levels of each unit were said again as they were: ``(n_units,)``."""
        same = (np.diff(self.level_db, axis=0) == 0.0).all(axis=2)
        if self.is_held is None:
            return np.asarray(same.mean(axis=0))
        said = ~self.is_held[1:]
        return np.asarray((same & said).sum(axis=0) / np.maximum(said.sum(axis=0), 1))

    @property
    def residual_db(self) -> FloatArray:
        """Measured minus expected, NaN where a unit did not measure a value."""
        residual_db = self.level_db - self.expected_dbm
        residual_db[self.kind != MEASURED] = np.nan
        return residual_db

    @property
    def total_db(self) -> FloatArray:
        """Residual of the power over all subbands, ``(n, n_units)``."""
        return total_db(self.level_db) - total_db(self.expected_dbm)

    @classmethod
    def of_residuals(cls, residual_db: FloatArray, expected_dbm: FloatArray) -> "History":
        """Return a history of complete snapshots of one band: both ``(n, n_units)``."""
        expected = np.asarray(expected_dbm, np.float64)[:, :, None]
        level = expected + np.asarray(residual_db, np.float64)[:, :, None]
        kind = np.where(np.isfinite(level[:, :, 0]), MEASURED, MISSING).astype(np.uint8)
        return cls(level, expected, np.ones(level.shape, np.bool_), kind)


def total_db(level_db: FloatArray) -> FloatArray:
    """Return the power over the last axis in dB."""
    return np.asarray(10.0 * np.log10((10.0 ** (level_db / 10.0)).sum(axis=-1)))
