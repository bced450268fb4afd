"""Where in the band something is other than normal: runs of bins, strongest first."""

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.normal import OWN_DB, Standing
from edgespec.records import FloatArray

__all__ = ["Region", "find_regions", "onset_of", "region_at", "run_around"]

#: Holes of this many bins inside an anomaly are bridged: a wideband signal over a loaded
#: carrier disappears in single resource blocks.
BRIDGED_BINS = 2
#: ... and this share of the band where all of it has moved: a strong carrier hides what is under.
BRIDGED_SHARE = 1 / 8
#: A bin belongs to the anomaly when its error is at least this part of the peak's, both in dB.
#: At a third, the main lobe of a Hann taper stays (-6 dB beside the peak), its side lobes (-31 dB)
#: drop out up to 47 dB of excess, and a wideband signal keeps the bins in which traffic hides most
#: of it.
PEAK_SHARE = 1.0 / 3.0
#: ... and at least this many standard deviations of the bin's error on normal signal.
SIGNIFICANT_SIGMAS = 3.0
#: Side lobes of a Hann taper: -31 dB two bins from the peak, 18 dB less with every octave, and
#: what a region must have more to be more than them.
_LOBE_DB, _LOBE_OCTAVE_DB, _LOBE_MARGIN_DB = 31.0, 18.0, 6.0
MOST_REGIONS = 8
#: Regions nearer than this share of the wider one are one: traffic cuts a wide signal in pieces.
NEAR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Region:
    """Bins ``lower_bin`` to ``upper_bin``, both included, that have more or less than normal.

    ``sign`` is 1 for more and -1 for less, ``excess_db`` (of that sign) that of the peak's bin.
    """

    lower_bin: int
    upper_bin: int
    peak_bin: int
    sign: int
    excess_db: float

    @property
    def n_bins(self) -> int:
        """Width in bins."""
        return self.upper_bin - self.lower_bin + 1

    def overlap(self, other: "Region", slack: int = 0) -> int:
        """Return how many bins both have, if each were ``slack`` bins wider in all."""
        upper, lower = min(self.upper_bin, other.upper_bin), max(self.lower_bin, other.lower_bin)
        return max(upper - lower + 1 + slack, 0)

    def is_near(self, other: "Region", slack: int) -> bool:
        """Whether another of the same sign is nearer than a share of the wider, or some bins."""
        least = round(NEAR_SHARE * max(self.n_bins, other.n_bins))
        return self.sign == other.sign and self.overlap(other, max(least, slack)) > 0

    def joined(self, other: "Region") -> "Region":
        """Return the region around both, with the higher peak if it is of the same sign."""
        peak = self
        if other.sign == self.sign and abs(other.excess_db) > abs(self.excess_db):
            peak = other
        return Region(
            min(self.lower_bin, other.lower_bin),
            max(self.upper_bin, other.upper_bin),
            peak.peak_bin,
            peak.sign,
            peak.excess_db,
        )


def find_regions(standing: Standing) -> list[Region]:
    """Return the regions of one horizon, the one with the largest excess in dB first.

    There is always that one; others are those that stand out on their own.
    """
    excess_db, spread_db = standing.excess_db, standing.spread_db
    left = np.ones(len(excess_db), np.bool_)
    found: list[Region] = []
    while len(found) < MOST_REGIONS and left.any():
        sizes_db = np.where(left, np.abs(excess_db), -1.0)
        if not found and not standing.level_db:
            # What varies much is seldom what is new, as long as something else is significant.
            certain = np.abs(excess_db) >= SIGNIFICANT_SIGMAS * spread_db
            if certain.any():
                sizes_db[~certain] = -1.0
        elif not found:
            sizes_db[excess_db * standing.level_db < 0] = -1.0
        peak = int(sizes_db.argmax())
        if found and abs(float(excess_db[peak])) < OWN_DB:
            break
        if found and not standing.is_clear(peak):
            left[peak] = False
            continue
        region = region_at(standing, peak, left)
        inside = slice(region.lower_bin, region.upper_bin + 1)
        # In a band that has lost its signal somebody may have come.
        left[inside] &= excess_db[inside] * standing.level_db < 0
        left[peak] = False
        if not any(_is_lobe(region, other) for other in found):
            found.append(region)
    return found


def region_at(standing: Standing, peak: int, among: NDArray[np.bool_] | None = None) -> Region:
    """Return the run of bins around ``peak`` that are significant and within a third of it.

    With ``among``, only of bins that are true there.

    Where all of the band has moved together, the run is of all bins that moved a third as far as
    most, with wider holes bridged.
    """
    excess_db = standing.excess_db
    sign = 1 if excess_db[peak] >= 0 else -1
    depth_db = sign * excess_db
    if standing.level_db * sign > 0:
        member = depth_db >= PEAK_SHARE * abs(standing.level_db)
        bridged = max(BRIDGED_BINS, round(BRIDGED_SHARE * len(excess_db)))
    else:
        floor_db = np.minimum(SIGNIFICANT_SIGMAS * standing.spread_db, depth_db[peak])
        member = depth_db >= np.maximum(PEAK_SHARE * depth_db[peak], floor_db)
        bridged = BRIDGED_BINS
    if among is not None:
        member &= among
    member[peak] = True
    lower, upper = run_around(member, peak, bridged)
    return Region(lower, upper, peak, sign, float(excess_db[peak]))


def run_around(member: NDArray[np.bool_], peak: int, bridged: int) -> tuple[int, int]:
    """Return first and last bin of the run of members around ``peak``, small holes bridged."""
    bins = np.flatnonzero(member)
    at = int(np.searchsorted(bins, peak))
    lower = upper = at
    while lower > 0 and bins[lower] - bins[lower - 1] <= bridged + 1:
        lower -= 1
    while upper + 1 < len(bins) and bins[upper + 1] - bins[upper] <= bridged + 1:
        upper += 1
    return int(bins[lower]), int(bins[upper])


def _is_lobe(region: Region, stronger: Region) -> bool:
    """Whether a region is no more than what the taper leaks of a stronger one."""
    if region.sign < 0 or stronger.sign < 0:
        return False
    away = max(stronger.lower_bin - region.peak_bin, region.peak_bin - stronger.upper_bin, 1)
    leak_db = stronger.excess_db - _LOBE_DB - _LOBE_OCTAVE_DB * max(log2((away + 1) / 2), 0.0)
    return region.excess_db < leak_db + _LOBE_MARGIN_DB


def onset_of(map_db: FloatArray, region: Region) -> int:
    """Return the first frame of ``(n_horizon, n_bins)`` in which the region is there."""
    rows_db = region.sign * map_db[:, region.lower_bin : region.upper_bin + 1].mean(axis=1)
    return int((rows_db >= PEAK_SHARE * rows_db.max()).argmax())
