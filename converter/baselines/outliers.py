"""Novelty detectors of scikit-learn on the shape of the horizon: a forest and a one-class SVM."""

from collections.abc import Callable
from typing import Any

import numpy as np

from converter.baselines.normal_range import NormalRange
from converter.baselines.segments import Segments, standardise
from converter.baselines.sklearn_loader import load_sklearn
from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["NoveltyDetector", "isolation_forest", "one_class_svm", "shape_features"]

#: The SVM's time and memory grow with the square of these.
_MOST_FIT_SEGMENTS = 3000
_SMALLEST_STD = 0.01
#: Share of normal segments that the boundary of the SVM may leave outside.
_NU = 0.01


def isolation_forest(seed: int) -> Any:
    """Return 200 trees on samples of 256 segments (Liu, Ting and Zhou 2008)."""
    ensemble = load_sklearn("sklearn.ensemble")
    return ensemble.IsolationForest(n_estimators=200, random_state=seed)


def one_class_svm(seed: int) -> Any:
    """Return a one-class SVM with a Gaussian kernel (Scholkopf et al. 2001); it draws nothing."""
    return load_sklearn("sklearn.svm").OneClassSVM(kernel="rbf", gamma="scale", nu=_NU)


def shape_features(segments: Segments) -> FloatArray:
    """Return mean and standard deviation over time of every bin of the horizon.

    float32 ``(n, 2 n_bins)``, in units of the context.
    """
    features = np.empty((len(segments), 2 * segments.geometry.n_bins), np.float32)
    for where, chunk in segments.chunks():
        target = standardise(chunk)[1]
        features[where] = np.concatenate([target.mean(axis=1), target.std(axis=1)], axis=1)
    return features


class NoveltyDetector:
    """Minus the decision function of a novelty detector, on features of unit spread.

    Args:
        make: builds the detector from a seed.
        seed: of the detector, and of which segments it learns from where there are many.
    """

    needs_iq = False

    def __init__(self, make: Callable[[int], Any], seed: int) -> None:
        self._make = make
        self._seed = seed
        self._range: NormalRange | None = None
        self._detector: Any = None

    def fit(self, normal: Segments) -> None:
        """Learn from normal segments, or from 3000 of them if there are more."""
        features = shape_features(normal)
        self._range = NormalRange.of(features, _SMALLEST_STD)
        if len(features) > _MOST_FIT_SEGMENTS:
            rng = np.random.default_rng(self._seed)
            features = features[rng.choice(len(features), _MOST_FIT_SEGMENTS, replace=False)]
        self._detector = self._make(self._seed).fit(self._range.distance(features))

    def score(self, segments: Segments) -> FloatArray:
        """Return how far outside of the normal region each segment lies."""
        if self._range is None:
            raise UsageError("a novelty detector was asked for before fit: call fit first")
        features = self._range.distance(shape_features(segments))
        return -np.asarray(self._detector.decision_function(features), np.float32)
