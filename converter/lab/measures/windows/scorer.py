"""Everything that scores segments behind one protocol: models, baselines, the device's detectors.

Scores are raw: not standardised by what is normal at the site.
"""

from copy import deepcopy
from typing import Any, Protocol

import numpy as np

from converter.baselines.baseline import Baseline
from converter.baselines.segments import Segments
from converter.lab.measures.arithmetics import shared_modules
from converter.lab.measures.windows.segment_detectors import (
    make_segment_detector,
)
from edgespec.detect.detector import Detector
from edgespec.errors import UsageError
from edgespec.records import FloatArray, Geometry, Segment

__all__ = [
    "BaselineScorer",
    "DetectorScorer",
    "ModelScorer",
    "Predicts",
    "Stateless",
    "WindowScorer",
]


class Predicts(Protocol):
    """What is asked of a model here; :class:`converter.lab.measures.predictor.Predictor` has it."""

    def errors_db(self, context: FloatArray, target: FloatArray) -> FloatArray:
        """Return the RMSE of each segment in dB, float32 ``(n,)``."""
        ...

    def forecast(self, context: FloatArray, target: FloatArray) -> FloatArray:
        """Return what is expected of each horizon, ``(n, n_horizon, n_bins)`` in dBFS."""
        ...


class WindowScorer(Protocol):
    """Scores segments; high is anomalous.

    One that is ``stateful`` learns from the stream and must be given every segment of it, in order,
    at the hop of the device. Any other scores a segment as if there were no others.
    """

    needs_iq: bool
    stateful: bool

    def begin(self, n_warmup: int) -> None:
        """Forget the last observer; the first ``n_warmup`` segments will be its warm-up."""
        ...

    def score(self, segments: Segments) -> FloatArray:
        """Return float32 ``(n,)``: the scores, NaN while a reference is learnt."""
        ...

    def snapshot(self) -> Any:
        """Return the state after the last segment; later segments do not change it."""
        ...

    def restore(self, state: Any) -> None:
        """Go back to a state that ``snapshot`` returned, which can be used again."""
        ...


class Stateless:
    """A score of one segment that depends on nothing else."""

    needs_iq = False
    stateful = False

    def begin(self, n_warmup: int) -> None:
        """Nothing is learnt from the stream."""

    def snapshot(self) -> Any:
        """Return nothing: there is no state."""
        return None

    def restore(self, state: Any) -> None:
        """There is no state."""


class ModelScorer(Stateless):
    """RMSE of a model's forecast, or of its reconstruction, in dB."""

    def __init__(self, predictor: Predicts) -> None:
        self._predictor = predictor

    def score(self, segments: Segments) -> FloatArray:
        """Return the error of each segment in dB."""
        return self._predictor.errors_db(segments.context, segments.target)


class BaselineScorer(Stateless):
    """A baseline that has been fitted."""

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self.needs_iq = baseline.needs_iq

    def score(self, segments: Segments) -> FloatArray:
        """Return the baseline's scores."""
        return self._baseline.score(segments)


class DetectorScorer:
    """A detector of the device that needs no model.

    The first half of the warm-up teaches it its reference, as
    :class:`edgespec.observer.scoring.scorer.Scorer` does; its scores of the
    second half are what the site's scale is learnt from.

    Args:
        name: of the detector.
        geometry: of the segments.

    Raises:
        UsageError: the detector is unknown, or needs a model.
    """

    needs_iq = False
    stateful = True

    def __init__(self, name: str, geometry: Geometry) -> None:
        self._name = name
        self._geometry = geometry
        # No detector looks at where a segment lies.
        self._tick_start = np.zeros(geometry.n_segment, np.int64)
        self._detector: Detector | None = None
        self.begin(2)

    def begin(self, n_warmup: int) -> None:
        """Make a detector that has not learnt anything."""
        self._detector = make_segment_detector(self._name, self._geometry, n_warmup // 2)

    def score(self, segments: Segments) -> FloatArray:
        """Return the scores of segments that follow each other, NaN while it learns."""
        if self._detector is None:
            raise UsageError(f"the detector {self._name!r} was asked for before begin")
        scores = np.full(len(segments), np.nan, np.float32)
        for i, (context, target) in enumerate(zip(segments.context, segments.target, strict=True)):
            found = self._detector.score(Segment(context, target, self._tick_start), None)
            if found is not None:
                scores[i] = found.value
        return scores

    def snapshot(self) -> Any:
        """Return a copy of the detector."""
        return deepcopy(self._detector, shared_modules())

    def restore(self, state: Any) -> None:
        """Go on with a copy of that copy."""
        self._detector = deepcopy(state, shared_modules())

    def __getstate__(self) -> dict[str, Any]:
        # What was learnt at an observer goes nowhere: a process begins with one of its own.
        return {**self.__dict__, "_detector": None}
