"""What was heard of a band: how loud it was where; nothing that grows."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band import plain
from edgespec.detect.any_band.arithmetic import Arithmetic
from edgespec.detect.any_band.runs import n_runs, widths_of
from edgespec.records import FloatArray, Geometry
from edgespec.reference import Reference, filled

__all__ = ["PARTS", "Heard", "Known"]

#: What a hop is compared in: its peaks, and its floors, which what fills a gap raises.
PARTS = ("peak", "fill")


class Heard:
    """One hop: ``levels_db`` float32 ``(4, n_runs)``, as the arithmetic writes them."""

    def __init__(self, geometry: Geometry, arithmetic: Arithmetic = plain) -> None:
        n_bins = geometry.n_bins
        self.levels_db = np.zeros((4, n_runs(n_bins)), np.float32)
        self._widths = widths_of(n_bins)
        self._sums = np.zeros((geometry.n_horizon + 1, n_bins + 1))
        self._lowest_db = np.zeros(n_runs(n_bins), np.float32)
        self._levels = arithmetic.levels

    def take(self, target_db: FloatArray) -> None:
        """Take a horizon ``(n_horizon, n_bins)``."""
        self._levels(target_db, self._widths, self._sums, self._lowest_db, self.levels_db)


class Known:
    """The highest peak and floor of every run of bins so far.

    Args:
        geometry: of the segments.
        arithmetic: how distances are computed.
    """

    def __init__(self, geometry: Geometry, arithmetic: Arithmetic = plain) -> None:
        self.highest_db = np.full((4, n_runs(geometry.n_bins)), -np.inf, np.float32)
        self._farthest = arithmetic.farthest

    def clear(self) -> None:
        """Forget the band."""
        self.highest_db[:] = -np.inf

    def learn(self, levels_db: FloatArray) -> None:
        """Take the levels of a hop of normal signal."""
        np.maximum(self.highest_db, levels_db, out=self.highest_db)

    def write_above_db(self, heard: Heard, parts_db: NDArray[np.float64]) -> None:
        """Write how far a hop lies above what is known, by part, ``(2,)``."""
        self._farthest(heard.levels_db, self.highest_db, parts_db)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is known."""
        self.highest_db += np.float32(step_db)

    def reference(self) -> Reference:
        """Return all that is known, in arrays of its own."""
        return {"highest_db": self.highest_db.copy()}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt.

        Raises:
            LookupError: it is missing.
            ValueError: it is of another shape, or not finite.
        """
        filled(self.highest_db, reference["highest_db"])
