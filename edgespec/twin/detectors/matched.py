"""The reliability-weighted mean of residuals, free of learnt bias."""

import numpy as np

from edgespec.twin.detectors.window import Window

__all__ = ["Matched"]

#: Residuals further out than this many scales count as this: one unit cannot outweigh the rest.
_MOST_SCALES = 4.0


class Matched:
    """Matched filter for the same excess at all units: ``sum(r / s) / sqrt(n)`` in scales.

    Each residual r is divided by its learnt scale s and clipped, so a unit weighs by its
    reliability. The score is the greatest over the subbands and over all of them together, which
    costs less than a dB where the source is wide and finds one that is narrow.
    """

    least_excess = 0.0

    def score(self, window: Window) -> float:
        """Return the greatest weighted mean, in standard deviations if residuals were normal."""
        heard = window.is_heard
        scaled = window.residual_db[heard] / window.scale_db[heard]
        sums = np.clip(scaled, -_MOST_SCALES, _MOST_SCALES).sum(axis=0)
        n_units, n_subbands = scaled.shape
        whole = sums.sum() / np.sqrt(n_units * n_subbands)
        return float(max(sums.max() / np.sqrt(n_units), whole))
