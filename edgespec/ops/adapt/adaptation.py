"""An adaptation as it goes: normal signal in, a last layer out, and what it is worth.

The signal has three parts that follow each other: what the layer is fitted on, in folds that
choose how firmly it is held, a gap, and what is held back, in which the old and the new layer are
compared, segment by segment, and nothing is chosen.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from edgespec.dsp.transforms import Transform, open_transform
from edgespec.errors import ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.inference.headspace import HeadSpace
from edgespec.inference.refit import N_FOLDS, Refit, Refitted
from edgespec.inference.rehead import Reheaded, head_of
from edgespec.ops.adapt.trial import Trial
from edgespec.records import FloatArray, Segment

__all__ = ["Adaptation", "Plan"]

#: Segments of a fit, and of what is held back: fewer tell nothing.
_LEAST_SEGMENTS = {"fit": 400, "held back": 100}
_HELD_BACK_SHARE = 0.2
#: Between the two, so that no traffic reaches from one into the other.
_GAP_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Plan:
    """When each part of the signal begins, in seconds: fit from 0, then a gap, then held back."""

    duration_s: float
    segment_s: float

    @property
    def held_back_s(self) -> float:
        """Where the part that is held back begins."""
        return (1.0 - _HELD_BACK_SHARE) * self.duration_s

    @property
    def fit_stop_s(self) -> float:
        """Where the fit ends: a gap earlier, which no segment bridges."""
        return self.held_back_s - max(_GAP_SHARE * self.duration_s, 2.0 * self.segment_s)

    def fold_of(self, start_s: float) -> int | None:
        """Return the fold of a segment; None where it is no part of one, or of two."""
        fold_s = self.fit_stop_s / N_FOLDS
        first, last = int(start_s // fold_s), int((start_s + self.segment_s) // fold_s)
        return first if first == last and first < N_FOLDS else None


@dataclass(slots=True)
class _Heard:
    """Before and after, for each segment that is held back."""

    at_s: list[float] = field(default_factory=list)
    before_db: list[float] = field(default_factory=list)
    after_db: list[float] = field(default_factory=list)


class Adaptation:
    """Takes the segments of a place and fits the last layer of a bundle to them.

    A segment counts by ``scale / error`` of what the old layer makes of it: the squares that are
    summed up then stand for decibels, and bursts that nobody can foresee do not decide alone.

    Args:
        bundle: the model that is adapted; it stays as it is.
        backend: runs it.
        duration_s: how much signal there will be.
        transform: how windows are standardised; default: in NumPy.

    Attributes:
        n_unused: segments that could not be used.

    Raises:
        ModelError: the last layer of the bundle cannot be refitted, or the signal is too short.
    """

    def __init__(
        self,
        bundle: Bundle,
        backend: Backend,
        duration_s: float,
        transform: Transform | None = None,
    ) -> None:
        geometry = bundle.manifest.geometry
        self.bundle = bundle
        self.plan = Plan(duration_s, geometry.n_segment * geometry.frame_s)
        self._check_length(geometry.hop_s)
        self._backend = backend
        self._transform = transform or open_transform()
        self._sees_target = bundle.manifest.model.role == "reconstruction"
        space = HeadSpace(head_of(bundle))
        self._space = space
        self._refit = Refit(space, geometry.n_horizon, geometry.n_bins)
        self._context = np.empty((geometry.n_context, geometry.n_bins), np.float32)
        self._target = np.empty((geometry.n_horizon, geometry.n_bins), np.float32)
        self._heard = _Heard()
        self.refitted: Refitted | None = None
        self.new: Reheaded | None = None
        self.n_unused = 0

    @property
    def n_fitted(self) -> int:
        """Segments of the fit."""
        return self._refit.n_rows

    @property
    def n_held_back(self) -> int:
        """Segments that were held back."""
        return len(self._heard.at_s)

    def add(self, segment: Segment, start_s: float) -> None:
        """Take a segment that begins ``start_s`` after the first one.

        Raises:
            ModelError: the part before it was too short, or the model gives no finite numbers.
        """
        flags = segment.flags
        if not segment.has_context or segment.reason or (flags is not None and flags.any()):
            self.n_unused += 1
            return
        if start_s >= self.plan.held_back_s:
            self._compare(segment, start_s)
            return
        fold = self.plan.fold_of(start_s)
        if fold is not None:
            output, left, scale_db = self._left(segment)
            error = max(_rms(left), 1e-6)
            weight = math.sqrt(scale_db / error)
            self._refit.add(fold, self._space.features(output), left, weight)

    def trial(self) -> Trial:
        """Return what the new layer is worth on the signal that was held back.

        Raises:
            ModelError: too little was heard.
        """
        if self.n_held_back < _LEAST_SEGMENTS["held back"]:
            raise self._too_few("held back", self.n_held_back)
        heard = self._heard
        return Trial(
            np.array(heard.at_s) - self.plan.held_back_s,
            np.array(heard.before_db),
            np.array(heard.after_db),
        )

    def solve(self) -> Reheaded:
        """Return the model with the layer that fits; what comes from now on is not learnt from.

        Raises:
            ModelError: too little was heard.
        """
        if self.n_fitted < _LEAST_SEGMENTS["fit"]:
            raise self._too_few("fit", self.n_fitted)
        self.refitted = self._refit.solve()
        self.new = Reheaded.of(self.bundle, self._space, self.refitted.head)
        return self.new

    def _compare(self, segment: Segment, start_s: float) -> None:
        new = self.new or self.solve()
        output, left, scale_db = self._left(segment)
        change = new.outputs(output) - output
        self._heard.at_s.append(start_s)
        self._heard.before_db.append(scale_db * _rms(left))
        self._heard.after_db.append(scale_db * _rms(left - change.reshape(left.shape)))

    def _left(self, segment: Segment) -> tuple[FloatArray, FloatArray, float]:
        """Return the old layer's output, what it leaves of the target, and the scale in dB."""
        scaling = self._transform.standardise(segment.context, self._context)
        self._transform.apply(segment.target, scaling, self._target)
        window = self._target if self._sees_target else self._context
        output = self._backend.predict(window)
        return output.reshape(-1), self._target - output, scaling.scale_db

    def _check_length(self, hop_s: float) -> None:
        plan = self.plan
        n_fit = (plan.fit_stop_s - N_FOLDS * plan.segment_s) / hop_s
        n_held_back = (plan.duration_s - plan.held_back_s) / hop_s
        if n_fit < _LEAST_SEGMENTS["fit"] or n_held_back < _LEAST_SEGMENTS["held back"]:
            least_s = max(
                (_LEAST_SEGMENTS["fit"] * hop_s + (N_FOLDS + 2) * plan.segment_s)
                / (1.0 - _HELD_BACK_SHARE - _GAP_SHARE),
                _LEAST_SEGMENTS["held back"] * hop_s / _HELD_BACK_SHARE,
            )
            raise ModelError(
                f"{plan.duration_s:.3g} s of signal are too few to adapt the model "
                f"{self.bundle.manifest.name!r}; at least {least_s:.2g} s are needed: give a "
                "longer recording, or a longer --duration"
            )

    def _too_few(self, part: str, n_segments: int) -> ModelError:
        unused = f" ({self.n_unused} were left out)" if self.n_unused else ""
        return ModelError(
            f"{n_segments} good segments of the part that is {part} are too few{unused}; at least "
            f"{_LEAST_SEGMENTS[part]} are needed: hear more signal, or better"
        )


def _rms(values: FloatArray) -> float:
    flat = values.reshape(-1)
    return math.sqrt(float(np.dot(flat, flat)) / flat.size)
