"""Principal components: what of the horizon the normal horizons do not span."""

from typing import Any

import numpy as np

from converter.baselines.segments import Segments, standardise
from converter.baselines.sklearn_loader import load_sklearn
from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["PcaReconstruction"]

_N_COMPONENTS = 24


class PcaReconstruction:
    """Mean square of what 24 components leave of the horizon, in units of the context.

    The residual of Jackson and Mudholkar 1979.
    """

    needs_iq = False

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pca: Any = None

    def fit(self, normal: Segments) -> None:
        """Find the components of the standardised targets, at most as many as segments."""
        if not len(normal):
            raise UsageError("a baseline cannot learn from no segments")
        targets = np.empty((len(normal), normal.target[0].size), np.float32)
        for where, chunk in normal.chunks():
            targets[where] = _flat(chunk)
        n_components = min(_N_COMPONENTS, *targets.shape)
        decomposition = load_sklearn("sklearn.decomposition")
        self._pca = decomposition.PCA(
            n_components, svd_solver="randomized", random_state=self._seed
        ).fit(targets)

    def score(self, segments: Segments) -> FloatArray:
        """Return the mean square residual."""
        if self._pca is None:
            raise UsageError("PCA was asked for before fit: call fit first")
        scores = np.empty(len(segments), np.float32)
        for where, chunk in segments.chunks():
            targets = _flat(chunk)
            rest = targets - self._pca.inverse_transform(self._pca.transform(targets))
            scores[where] = np.einsum("nk,nk->n", rest, rest) / rest.shape[1]
        return scores


def _flat(segments: Segments) -> FloatArray:
    return standardise(segments)[1].reshape(len(segments), -1)
