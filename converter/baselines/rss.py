"""Power in the whole band: against its normal level, and against what it just was."""

import numpy as np

from converter.baselines.normal_range import NormalRange
from converter.baselines.segments import Segments
from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["RssDeviation", "RssRule", "rss_dbfs"]

_SMALLEST_STD_DB = 0.1


def rss_dbfs(power_dbfs: FloatArray) -> FloatArray:
    """Return the mean over time of the power in the band: ``(n, n_frames, n_bins)`` -> ``(n,)``.

    Powers are added as powers, not as decibels.
    """
    level_db = power_dbfs.max(axis=(1, 2), keepdims=True)
    linear = np.exp((power_dbfs - level_db) * np.float32(np.log(10.0) / 10.0))
    total = linear.sum(axis=(1, 2), dtype=np.float64) / power_dbfs.shape[1]
    rss: FloatArray = (level_db[:, 0, 0] + 10.0 * np.log10(total)).astype(np.float32)
    return rss


class RssDeviation:
    """``|RSS - mean| / std`` of the horizon, learnt over all normal segments (Urkowitz 1967).

    The device's ``energy`` learns at its own place; over observers at many distances from a cell
    the normal range is wide.
    """

    needs_iq = False

    def __init__(self) -> None:
        self._range: NormalRange | None = None

    def fit(self, normal: Segments) -> None:
        """Learn mean and spread of the level."""
        self._range = NormalRange.of(_target_rss(normal)[:, None], _SMALLEST_STD_DB)

    def score(self, segments: Segments) -> FloatArray:
        """Return the distance from the normal level in standard deviations."""
        if self._range is None:
            raise UsageError("the deviation of RSS was asked for before fit: call fit first")
        return np.abs(self._range.distance(_target_rss(segments)[:, None])[:, 0])


class RssRule:
    """``|RSS of the horizon - RSS of the context|`` in dB: a rule without anything learnt.

    Li et al. 2019, sec. 2, compare with a threshold on RSS and say no more of it.
    """

    needs_iq = False

    def fit(self, normal: Segments) -> None:
        """Learn nothing."""

    def score(self, segments: Segments) -> FloatArray:
        """Return the step of the level in dB."""
        scores = np.empty(len(segments), np.float32)
        for where, chunk in segments.chunks():
            scores[where] = np.abs(rss_dbfs(chunk.target) - rss_dbfs(chunk.context))
        return scores


def _target_rss(segments: Segments) -> FloatArray:
    levels = np.empty(len(segments), np.float32)
    for where, chunk in segments.chunks():
        levels[where] = rss_dbfs(chunk.target)
    return levels
