"""Simple forecasts of the signal that a bundle is adapted on: what an adaptation has to beat."""

import numpy as np

from converter.baselines.linear import LinearForecast, frames
from converter.baselines.segments import Segments
from edgespec.records import FloatArray, Geometry, Segment

__all__ = ["Bars"]

#: Segments that the simple forecasts learn from: each has every bin as a row.
_MOST_SEGMENTS = 600


class Bars:
    """The old model with the slope and offset of each bin that fit best, and a linear AR.

    Both learn from segments that are spread evenly over what is heard, up to some hundreds.

    Args:
        geometry: of the segments.
        duration_s: how much signal there will be.
    """

    def __init__(self, geometry: Geometry, duration_s: float) -> None:
        self._geometry = geometry
        self._every_s = duration_s / _MOST_SEGMENTS
        self._next_s = 0.0
        self._contexts: list[FloatArray] = []
        self._targets: list[FloatArray] = []
        n_bins = geometry.n_bins
        #: Of each bin: weight, expected, measured, expected squared, expected times measured.
        self._sums = np.zeros((5, n_bins))
        self._slope, self._offset = np.ones(n_bins), np.zeros(n_bins)
        self._linear = LinearForecast(geometry, frames)

    def wants(self, at_s: float) -> bool:
        """Whether a segment that begins at ``at_s`` is one of those that are learnt from."""
        return at_s >= self._next_s

    def add(
        self, segment: Segment, at_s: float, output: FloatArray, target: FloatArray, scale_db: float
    ) -> None:
        """Learn from a segment, if it is wanted.

        Args:
            segment: as the front end gives it.
            at_s: where it begins.
            output: what the old model expects, ``(n_outputs,)``, standardised.
            target: what came, ``(n_horizon, n_bins)``, standardised.
            scale_db: dB in 1 of both.
        """
        if not self.wants(at_s):
            return
        self._next_s += self._every_s
        self._contexts.append(segment.context.copy())
        self._targets.append(segment.target.copy())
        expected = output.reshape(target.shape).astype(np.float64)
        # As the adaptation weighs: squares that are summed up stand for decibels.
        weight = scale_db / max(float(np.sqrt(np.mean((target - expected) ** 2))), 1e-6)
        terms = np.ones_like(expected), expected, target, expected**2, expected * target
        self._sums += weight * np.stack([term.sum(axis=0) for term in terms])

    def settle(self) -> None:
        """Solve for both; nothing is learnt from now on."""
        n, x, y, xx, xy = self._sums
        variance = n * xx - x**2
        varies = variance > 1e-9 * np.maximum(n * xx, 1e-12)
        np.divide(n * xy - x * y, variance, out=self._slope, where=varies)
        self._offset = (y - self._slope * x) / n
        self._linear.fit(
            Segments(self._geometry, np.stack(self._contexts), np.stack(self._targets))
        )

    def affine(self, output: FloatArray) -> FloatArray:
        """Return what the old model expects ``(n_horizon, n_bins)``, corrected bin by bin."""
        expected = output.reshape(-1, self._geometry.n_bins)
        return np.asarray(expected * self._slope + self._offset, np.float32)

    def linear(self, context: FloatArray) -> FloatArray:
        """Return what the linear AR expects of a context, ``(n_horizon, n_bins)``, dBFS."""
        return np.asarray(self._linear.forecast(context[None])[0])
