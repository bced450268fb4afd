"""What was heard of a band: how loud it was where, and in which states; nothing that grows."""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band import plain
from edgespec.detect.any_band.arithmetic import Arithmetic
from edgespec.detect.any_band.runs import n_runs, widths_of
from edgespec.records import FloatArray, Geometry
from edgespec.reference import Reference, filled

__all__ = ["N_SCENES", "PARTS", "Heard", "Known"]

#: What a hop is compared in: its peaks, its floors, and its mean with every known scene.
PARTS = ("peak", "fill", "scene")
#: Mean frames of hops that are kept.
N_SCENES = 96


class Heard:
    """One hop: ``levels_db`` float32 ``(4, n_runs)`` and ``mean_db`` float32 ``(n_bins,)``."""

    def __init__(self, geometry: Geometry, arithmetic: Arithmetic = plain) -> None:
        n_bins = geometry.n_bins
        self.levels_db = np.zeros((4, n_runs(n_bins)), np.float32)
        self.mean_db = np.zeros(n_bins, np.float32)
        self.widths = widths_of(n_bins)
        self.sums = np.zeros((geometry.n_horizon + 1, n_bins + 1))
        self._lowest_db = np.zeros(n_runs(n_bins), np.float32)
        self._levels = arithmetic.levels

    def take(self, target_db: FloatArray) -> None:
        """Take a horizon ``(n_horizon, n_bins)``."""
        self._levels(target_db, self.widths, self.sums, self._lowest_db, self.levels_db)
        np.add.reduce(target_db, axis=0, out=self.mean_db)
        np.multiply(self.mean_db, np.float32(1.0 / len(target_db)), out=self.mean_db)


class Known:
    """The highest peak and floor of every run of bins so far, and the scenes farthest apart.

    A scene is the mean frame of a hop. A new one that is farther from all known ones than two of
    them are from each other takes the place of one of these two, so the whole of what was heard
    stays covered, whatever came first: the farthest points of Gonzalez 1985 for a stream.

    Args:
        geometry: of the segments.
        arithmetic: how distances are computed.
    """

    def __init__(self, geometry: Geometry, arithmetic: Arithmetic = plain) -> None:
        n_bins = geometry.n_bins
        self.highest_db = np.full((4, n_runs(n_bins)), -np.inf, np.float32)
        self.scenes_db = np.zeros((N_SCENES, n_bins), np.float32)
        self.n_scenes = 0
        self._apart = np.full((N_SCENES, N_SCENES), np.inf, np.float32)
        self._from_new = np.zeros(N_SCENES, np.float32)
        self._farthest, self._nearest = arithmetic.farthest, arithmetic.nearest
        self._distances = arithmetic.distances

    def clear(self) -> None:
        """Forget the band."""
        self.highest_db[:] = -np.inf
        self.n_scenes = 0
        self._apart[:] = np.inf

    def learn(self, levels_db: FloatArray, mean_db: FloatArray) -> None:
        """Take a hop of normal signal."""
        np.maximum(self.highest_db, levels_db, out=self.highest_db)
        n, apart = self.n_scenes, self._apart
        from_new = self._from_new[:n]
        self._distances(mean_db, self.scenes_db, n, self._from_new)
        if n < N_SCENES:
            place = n
            self.n_scenes = n + 1
        else:
            pair = int(apart.argmin())
            first, second = divmod(pair, N_SCENES)
            if from_new.min() <= apart[first, second]:
                return
            # Of the two, the one that lies nearer to what else is known.
            place = first if _next_nearest(apart, first, second) else second
        self.scenes_db[place] = mean_db
        apart[place, :n] = apart[:n, place] = from_new
        apart[place, place] = np.inf

    def write_above_db(self, heard: Heard, parts_db: NDArray[np.float64]) -> None:
        """Write how far a hop lies above what is known, by part, ``(3,)``."""
        self._farthest(heard.levels_db, self.highest_db, parts_db[:2])
        parts_db[2] = self._nearest(
            heard.mean_db, self.scenes_db, self.n_scenes, heard.widths, heard.sums
        )

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is known."""
        self.highest_db += np.float32(step_db)
        self.scenes_db += np.float32(step_db)

    def reference(self) -> Reference:
        """Return all that is known, in arrays of its own."""
        scenes_db = self.scenes_db[: self.n_scenes].copy()
        return {"highest_db": self.highest_db.copy(), "scenes_db": scenes_db}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape, or not finite.
        """
        scenes_db = reference["scenes_db"]
        n = len(scenes_db) if scenes_db.ndim else 0
        if not 0 < n <= N_SCENES:
            raise ValueError(f"there are {n} scenes in place of 1 to {N_SCENES}")
        filled(self.highest_db, reference["highest_db"])
        filled(self.scenes_db[:n], scenes_db)
        self.n_scenes = n


def _next_nearest(apart: FloatArray, first: int, second: int) -> bool:
    """Return whether the first of a pair has the nearer third scene."""
    least = []
    for one, other in ((first, second), (second, first)):
        row = apart[one]
        kept = row[other]
        row[other] = np.inf
        least.append(row.min())
        row[other] = kept
    return bool(least[0] <= least[1])
