"""What a warm-up heard: a bounded sample of its segments, that can be learnt from again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.sightings import MODELS
from edgespec.records import FloatArray, Geometry, Score, Segment

__all__ = ["Heard", "HeardBuffer"]

#: Of a longer warm-up than fits, one of so many segments is kept: 655 of 25 frames of 128 bins fit.
MAX_BYTES = 4 << 20
#: A level of -100 dBFS is kept to 0.03 dB.
_KEPT_AS = np.float16


@dataclass(frozen=True, slots=True)
class Heard:
    """Segments in their order.

    ``targets_dbfs`` float16 ``(n_segments, n_horizon, n_bins)``. Of the ``detector`` that compares
    with a model, ``scores`` float32 ``(n_segments,)`` are raw, NaN where there is none, and
    ``errors_db`` float16 ``(n_segments, n_bins)`` the mean of its error map over the horizon.
    """

    detector: str
    targets_dbfs: NDArray[np.float16]
    scores: FloatArray
    errors_db: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.targets_dbfs)

    def rows_dbfs(self) -> NDArray[np.float64]:
        """Return the mean level of every bin in each segment, ``(n_segments, n_bins)``."""
        rows_dbfs: NDArray[np.float64] = self.targets_dbfs.mean(axis=1, dtype=np.float64)
        return rows_dbfs

    def part(self, some: slice) -> "Heard":
        """Return some of the segments, without a copy."""
        return self._of(some)

    def thinned(self, n_most: int) -> "Heard":
        """Return at most ``n_most`` segments, evenly spread."""
        if len(self) <= n_most:
            return self
        some = np.linspace(0, len(self) - 1, n_most).round().astype(np.intp)
        return self._of(some)

    def shifted(self, step_db: float) -> "Heard":
        """Return it as another gain would have it."""
        targets_dbfs = (self.targets_dbfs + np.float32(step_db)).astype(_KEPT_AS)
        return replace(self, targets_dbfs=targets_dbfs)

    def segments(self) -> Iterator[Segment]:
        """Yield the segments, without their contexts."""
        no_context = np.empty((0, self.targets_dbfs.shape[2]), np.float32)
        no_ticks = np.empty(0, np.int64)
        for target in self.targets_dbfs.astype(np.float32):
            yield Segment(no_context, target, no_ticks, has_context=False)

    def lessons(self) -> Iterator[tuple[tuple[Score, ...], FloatArray]]:
        """Yield the model's score of each segment, with a map of one row, and its target."""
        for number, segment in enumerate(self.segments()):
            value, row = float(self.scores[number]), self.errors_db[number : number + 1]
            scores = (Score(self.detector, value, row.astype(np.float32)),)
            yield scores if np.isfinite(value) else (), segment.target

    def _of(self, some: slice | NDArray[np.intp]) -> "Heard":
        return replace(
            self,
            targets_dbfs=self.targets_dbfs[some],
            scores=self.scores[some],
            errors_db=self.errors_db[some],
        )


class HeardBuffer:
    """Takes segments of a warm-up; of a long one, one of so many.

    Args:
        geometry: of the segments.
        n_segments: of the warm-up.
    """

    def __init__(self, geometry: Geometry, n_segments: int) -> None:
        n_horizon, n_bins = geometry.n_horizon, geometry.n_bins
        n_fit = max(MAX_BYTES // (n_horizon * n_bins * np.dtype(_KEPT_AS).itemsize), 1)
        self._every = -(-n_segments // n_fit)
        n_kept = -(-n_segments // self._every)
        self._targets_dbfs = np.empty((n_kept, n_horizon, n_bins), _KEPT_AS)
        self._scores = np.full(n_kept, np.nan, np.float32)
        self._errors_db = np.zeros((n_kept, n_bins), _KEPT_AS)
        self._mean_db = np.empty(n_bins, np.float32)
        self._detector = ""
        self._n_seen = 0

    def add(self, segment: Segment, scores: tuple[Score, ...]) -> None:
        """Take a segment and what the detectors said of it."""
        at, left = divmod(self._n_seen, self._every)
        self._n_seen += 1
        if left or at >= len(self._targets_dbfs):
            return
        np.copyto(self._targets_dbfs[at], segment.target, casting="same_kind")
        self._scores[at] = np.nan
        self._errors_db[at] = 0.0
        for score in scores:
            if score.detector in MODELS and score.error_map_db is not None:
                self._detector, self._scores[at] = score.detector, score.value
                np.mean(score.error_map_db, axis=0, out=self._mean_db)
                np.copyto(self._errors_db[at], self._mean_db, casting="same_kind")

    def shift(self, step_db: float) -> None:
        """Take what is there to another gain."""
        so_far_dbfs = self.heard().targets_dbfs
        so_far_dbfs += _KEPT_AS(step_db)

    def heard(self) -> Heard:
        """Return what is there, without a copy: valid until the next segment."""
        n = min(-(-self._n_seen // self._every), len(self._targets_dbfs))
        return Heard(self._detector, self._targets_dbfs[:n], self._scores[:n], self._errors_db[:n])
