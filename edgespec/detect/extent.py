"""Where an anomaly lies in frequency and time, read off the error map."""

from dataclasses import dataclass

import numpy as np

from edgespec.detect import plain
from edgespec.detect.arithmetic import Arithmetic
from edgespec.detect.reference import RunningStatistics
from edgespec.records import FloatArray

__all__ = ["Extent", "ExtentFinder"]

#: Holes of this many bins inside an anomaly are bridged: a wideband signal over a loaded
#: carrier disappears in single resource blocks.
BRIDGED_BINS = 2
#: A bin belongs to the anomaly when its error is at least this part of the peak's, both in dB.
#: At a third, the main lobe of a Hann taper stays (-6 dB beside the peak), its side lobes (-31 dB)
#: drop out up to 47 dB of excess, and a wideband signal keeps the bins in which traffic hides most
#: of it.
PEAK_SHARE = 1.0 / 3.0
#: ... and at least this many standard deviations of the bin's error on normal signal.
SIGNIFICANT_SIGMAS = 3.0
#: Spread assumed of a bin's mean error before enough normal segments were seen.
PRIOR_SPREAD_DB = 1.0
#: Normal segments after which the spread learnt on the spot replaces the assumed one.
TRUSTED_SEGMENTS = 20


@dataclass(frozen=True, slots=True)
class Extent:
    """Bins ``[lower, upper]``, the peak's bin, its excess in dB, and the first frame of it."""

    lower_bin: int
    upper_bin: int
    peak_bin: int
    excess_db: float
    first_frame: int


class ExtentFinder:
    """Learns each bin's error on normal segments, then finds what sticks out of it.

    Args:
        n_bins: width of the error map.
        spread_db: ``(n_bins,)`` spread of the bins' mean error on the calibration recordings,
            used until ``TRUSTED_SEGMENTS`` normal segments were seen here.
        arithmetic: how every normal segment is learnt.
    """

    def __init__(
        self,
        n_bins: int,
        spread_db: FloatArray | None = None,
        arithmetic: Arithmetic = plain,
    ) -> None:
        self._normal = RunningStatistics(n_bins, arithmetic)
        self._mean_error_db = np.empty(n_bins, np.float32)
        self._event_error_db = np.zeros(n_bins, np.float64)
        self._n_event = 0
        self._prior_db: FloatArray = (
            np.full(n_bins, PRIOR_SPREAD_DB, np.float32) if spread_db is None else spread_db
        )

    def add_normal(self, error_map_db: FloatArray) -> None:
        """Learn from a segment without alarm."""
        self._normal.add_mean(error_map_db)

    def start_event(self) -> None:
        """Forget the segments of the last event."""
        self._event_error_db[:] = 0.0
        self._n_event = 0

    def add_event(self, error_map_db: FloatArray) -> Extent:
        """Take one alarming segment and return the extent of the event so far.

        The excess of a bin is its error averaged over the horizon and over the alarming segments
        of the event, less its mean on normal segments. The anomaly is the run of bins around the
        largest excess (or the deepest loss, where that is larger) that are significant and within
        a third of the peak, both in dB.
        """
        np.mean(error_map_db, axis=0, out=self._mean_error_db)
        self._n_event += 1
        self._event_error_db += (self._mean_error_db - self._event_error_db) / self._n_event
        excess_db = self._event_error_db - self._offset_db()
        sign = 1.0 if excess_db.max() >= -excess_db.min() else -1.0
        depth_db = sign * excess_db
        peak = int(depth_db.argmax())
        floor_db = np.minimum(SIGNIFICANT_SIGMAS * self._spread_db(), depth_db[peak])
        member = depth_db >= np.maximum(PEAK_SHARE * depth_db[peak], floor_db)
        lower, upper = _run_around(member, peak)
        rows_db = sign * error_map_db[:, lower : upper + 1].mean(axis=1)
        first = int((rows_db >= PEAK_SHARE * rows_db.max()).argmax())
        return Extent(lower, upper, peak, float(excess_db[peak]), first)

    def _offset_db(self) -> FloatArray | float:
        known = self._normal.count >= TRUSTED_SEGMENTS
        return self._normal.mean.astype(np.float32) if known else 0.0

    def _spread_db(self) -> FloatArray:
        known = self._normal.count >= TRUSTED_SEGMENTS
        return self._normal.spread(0.1) if known else self._prior_db


def _run_around(member: np.ndarray[tuple[int], np.dtype[np.bool_]], peak: int) -> tuple[int, int]:
    """Return first and last bin of the run of members around ``peak``, small holes bridged."""
    bins = np.flatnonzero(member)
    at = int(np.searchsorted(bins, peak))
    lower = upper = at
    while lower > 0 and bins[lower] - bins[lower - 1] <= BRIDGED_BINS + 1:
        lower -= 1
    while upper + 1 < len(bins) and bins[upper + 1] - bins[upper] <= BRIDGED_BINS + 1:
        upper += 1
    return int(bins[lower]), int(bins[upper])
