"""A Kalman filter for every bin: how surprising the horizon is."""

import numpy as np

from converter.baselines.segments import Segments
from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["KalmanFilter", "local_level_variances"]

#: Variance in dB^2 of the measurement that no receiver beats: its own resolution.
_SMALLEST_VARIANCE = 1e-2


def local_level_variances(frames_db: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the variances of a random walk and of its measurement, float64 ``(n_bins,)`` each.

    By moments of the differences ``d(t) = y(t) - y(t-1)`` of ``(n, n_frames, n_bins)``:
    ``cov(d(t), d(t-1)) = -r`` and ``var(d) = q + 2 r`` (Harvey 1989, sec. 2.4.1).
    """
    steps = np.diff(frames_db.astype(np.float64), axis=1)
    variance = np.einsum("ntb,ntb->b", steps, steps) / (steps.shape[0] * steps.shape[1])
    pairs = steps.shape[0] * (steps.shape[1] - 1)
    lagged = np.einsum("ntb,ntb->b", steps[:, 1:], steps[:, :-1]) / max(pairs, 1)
    measurement = np.maximum(-lagged, _SMALLEST_VARIANCE)
    return np.maximum(variance - 2.0 * measurement, 0.0), measurement


class KalmanFilter:
    """Mean of the squared errors of its forecast of the horizon, each over its variance.

    The level of a bin walks at random, ``x(t) = x(t-1) + N(0, q)``, and is measured as ``y(t) =
    x(t) + N(0, r)`` (local level model; Harvey 1989, sec. 2.3); q and r of every bin are learnt.
    The filter runs through the context; its forecast is the last level, whose variance grows by q
    a frame. It is not run on through the horizon, where it would get used to an interferer within
    a frame or two. 1 is normal.
    """

    needs_iq = False

    def __init__(self) -> None:
        self._variances: tuple[FloatArray, FloatArray] | None = None

    def fit(self, normal: Segments) -> None:
        """Learn the variances of every bin from the normal contexts."""
        if not len(normal) or normal.geometry.n_context < 3:
            raise UsageError(
                f"a Kalman filter cannot learn from {len(normal)} contexts of "
                f"{normal.geometry.n_context} frames; it takes at least one of 3"
            )
        chunks = [(len(c), *local_level_variances(c.context)) for _, c in normal.chunks()]
        share = np.array([n for n, _, _ in chunks])[:, None] / len(normal)
        q, r = (np.sum(share * np.stack(v), axis=0) for v in list(zip(*chunks, strict=True))[1:])
        self._variances = q.astype(np.float32), r.astype(np.float32)

    def score(self, segments: Segments) -> FloatArray:
        """Return the mean normalised squared error."""
        if self._variances is None:
            raise UsageError("a Kalman filter was asked for before fit: call fit first")
        scores = np.empty(len(segments), np.float32)
        for where, chunk in segments.chunks():
            scores[where] = self._surprise(chunk, *self._variances)
        return scores

    def _surprise(self, segments: Segments, q: FloatArray, r: FloatArray) -> FloatArray:
        level, variance = segments.context[:, 0].copy(), r
        for t in range(1, segments.geometry.n_context):
            predicted = variance + q
            gain = predicted / (predicted + r)
            level += gain * (segments.context[:, t] - level)
            variance = (1.0 - gain) * predicted
        ahead = np.arange(1, segments.geometry.n_horizon + 1, dtype=np.float32)[:, None]
        error = segments.target - level[:, None]
        np.multiply(error, error, out=error)
        np.divide(error, variance + ahead * q + r, out=error)
        surprise: FloatArray = error.mean(axis=(1, 2))
        return surprise
