"""Every detector at work: from a segment to its scores, in deviations of this site."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.detect.detectors import make_detectors
from edgespec.detect.discriminants.discriminant import RMSE
from edgespec.detect.site import SiteScale
from edgespec.observer.kept.heard import Heard
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.records import Forecast, Geometry, Score, Segment
from edgespec.reference import Reference, below, under

__all__ = ["Scorer"]


class Scorer:
    """Every detector's score of a segment; the model runs once for those that need it.

    The first half of the warm-up teaches the plain detectors their references, the second half
    what scores are normal at this site; from then on scores are in standard deviations.

    Args:
        forecaster: the model, None where no detector needs it.
        names: resolved names of the detectors.
        geometry: of the segments.
        n_warmup: segments of the warm-up, at least 4.
        smallest_std: for each detector, the least spread of raw scores that a site may have.
        arithmetic: how the detectors compute.

    Attributes:
        forecast: what the model expected of the last segment, None where it was not asked; valid
            until the next one.

    Raises:
        ModelError: the bundle's discriminant is unknown, or cannot be computed here.
    """

    def __init__(
        self,
        forecaster: Forecaster | None,
        names: Sequence[str],
        geometry: Geometry,
        n_warmup: int,
        smallest_std: Mapping[str, float] = MappingProxyType({}),
        arithmetic: Arithmetic = plain,
    ) -> None:
        self.n_warmup = max(n_warmup, 4)
        self._forecaster = forecaster
        self._n_reference = self.n_warmup // 2
        discriminant = RMSE if forecaster is None else forecaster.discriminant
        self._detectors = make_detectors(
            names, geometry, self._n_reference, arithmetic, discriminant
        )
        self.scales = {
            detector.name: SiteScale(smallest_std.get(detector.name, 0.0))
            for detector in self._detectors
        }
        self._of_target = tuple(d for d in self._detectors if not d.needs_forecast)
        self._needs_forecast = any(detector.needs_forecast for detector in self._detectors)
        # Fewer scores say nothing of a site.
        self._n_scale = max((self.n_warmup - self._n_reference) // 2, 2)
        self._n_segments = 0
        self._n_missed = 0
        self._is_late = False
        self.forecast: Forecast | None = None

    @property
    def is_warm(self) -> bool:
        """Whether the scores of the last segment are those of a warm observer."""
        return self._n_segments + self._n_missed > self.n_warmup

    @property
    def inference(self) -> LatencyHistogram | None:
        """How long the model's calls took; None where none is called."""
        return self._forecaster.durations if self._forecaster is not None else None

    @property
    def n_warmup_left(self) -> int:
        """Segments that are still to be learnt from."""
        return max(self.n_warmup - self._n_segments - self._n_missed, 0)

    def reset(self) -> None:
        """Forget the site and warm up again."""
        self._n_segments = 0
        self._n_missed = 0
        for detector in self._detectors:
            detector.reset()
        for scale in self.scales.values():
            scale.clear()

    def relearn(self, heard: Heard) -> None:
        """Learn from other segments than those of the warm-up: it is as over as it was.

        The first half of them teaches the references, the second what scores are normal; a model's
        are those that it had then.
        """
        n_reference = min(len(heard) // 2, self._n_reference)
        for detector in self._detectors:
            detector.reset()
        for scale in self.scales.values():
            scale.clear()
        for number, segment in enumerate(heard.segments()):
            for detector in self._of_target:
                score = detector.score(segment, None)
                if score is not None and number >= n_reference:
                    self.scales[score.detector].learn(score)
                if number == n_reference - 1:
                    detector.settle()
        for detector in self._detectors:
            if detector.needs_forecast:
                for value in heard.scores[np.isfinite(heard.scores)]:
                    self.scales[detector.name].learn(Score(detector.name, float(value)))
        for detector in self._detectors:
            detector.settle()
        for scale in self.scales.values():
            if scale.n_learnt >= 2:
                scale.settle()
        self._is_late = not all(scale.is_settled for scale in self.scales.values())

    def reference(self) -> Reference:
        """Return what the detectors learnt, and what scores are normal; empty in the warm-up."""
        found: Reference = {}
        if self.is_warm:
            for detector in self._detectors:
                found |= under(detector.name, detector.reference())
                found |= under(detector.name, self.scales[detector.name].reference())
        return found

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt, in place of a warm-up.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape.
        """
        self.reset()
        for detector in self._detectors:
            own = below(detector.name, reference)
            detector.take_reference(own)
            self.scales[detector.name].take_reference(own)
        # The next score is one of a warm observer, and so is what it says of itself until then.
        self._n_segments = self.n_warmup + 1
        self._is_late = not all(scale.is_settled for scale in self.scales.values())

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is normal."""
        for detector in self._detectors:
            detector.follow(step_db)

    def score(self, segment: Segment, forecast: Forecast | None = None) -> tuple[Score, ...]:
        """Return the scores in the order of the names: raw ones until ``is_warm``.

        While the references are learnt, detectors that need one are missing, and so are those that
        need the context where it is bad.

        Args:
            segment: the next one.
            forecast: what the model expects of it, where another scorer has asked the same model.
        """
        detectors = self._detectors
        if not segment.has_context:
            forecast, detectors = None, self._of_target
        elif forecast is None and self._needs_forecast and self._forecaster is not None:
            forecast = self._forecaster.forecast(segment)
        self.forecast = forecast
        found = [detector.score(segment, forecast) for detector in detectors]
        scores = tuple([score for score in found if score is not None])
        self._n_segments += 1
        if self.is_warm:
            return self._at_site(scores)
        if self._n_segments + self._n_missed > self._n_reference:
            for score in scores:
                self.scales[score.detector].learn(score)
        self._settle()
        return scores

    def of_network(self, segment: Segment) -> Score | None:
        """Return what the network's detector alone says of a segment that is none of its own.

        Nothing is learnt from it. None where no network is called, or nothing is normal for it yet.
        """
        forecaster = self._forecaster
        for detector in self._detectors:
            scale = self.scales[detector.name]
            is_ready = segment.has_context and scale.is_settled
            if detector.needs_forecast and forecaster is not None and is_ready:
                found = detector.score(segment, forecaster.forecast(segment))
                return None if found is None else scale.apply(found)
        return None

    def miss(self, n_segments: int = 1) -> None:
        """Let segments of the warm-up go by that nothing could be learnt from.

        It takes no longer for them, as long as each half of it keeps half of its segments.
        """
        half = self._n_reference // 2
        most = half + (self.n_warmup - self._n_reference) // 2
        for stop, n_most in ((self._n_reference, half), (self.n_warmup, most)):
            n_passed = self._n_segments + self._n_missed
            n_taken = min(n_segments, stop - n_passed, n_most - self._n_missed)
            if n_taken > 0:
                self._n_missed += n_taken
                n_segments -= n_taken
                self._settle()
            if self._n_segments + self._n_missed < stop:
                return

    def _settle(self) -> None:
        """Keep what was learnt where a half of the warm-up is over."""
        n_passed = self._n_segments + self._n_missed
        if n_passed in (self._n_reference, self.n_warmup):
            for detector in self._detectors:
                detector.settle()
        if n_passed == self.n_warmup:
            self._settle_scales()

    def _settle_scales(self) -> None:
        """Keep the scales of the detectors that learnt enough; the others are late."""
        for scale in self.scales.values():
            if not scale.is_settled and scale.n_learnt >= self._n_scale:
                scale.settle()
        self._is_late = not all(scale.is_settled for scale in self.scales.values())

    def _at_site(self, scores: tuple[Score, ...]) -> tuple[Score, ...]:
        """Return scores in deviations; a detector that could not learn them in time goes on."""
        if self._is_late:
            for score in scores:
                scale = self.scales[score.detector]
                if not scale.is_settled:
                    scale.learn(score)
            scores = tuple([one for one in scores if self.scales[one.detector].is_settled])
            self._settle_scales()
        return tuple([self.scales[score.detector].apply(score) for score in scores])
