"""What an anomaly is called, by simple rules on its shape in frequency and time.

A name is a description, not a proof. Pulses shorter than a frame and sweeps that cross their range
within one look like something that is always there: a tone, or wideband.
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.regions import Region
from edgespec.kinds import (
    NARROWBAND,
    POWER_STEP,
    PULSE,
    SIGNAL_LOST,
    SWEEP,
    TONE,
    WIDEBAND,
)
from edgespec.records import FloatArray

__all__ = ["kind_of"]

#: A tone is not wider than the main lobe of a Hann taper.
TONE_BINS = 4
#: What is at least this part of the band wide is wideband.
WIDEBAND_SHARE = 1 / 4
#: A pulse is there in at most this part of the horizon's frames: those at half of the most.
PULSE_SHARE = 0.5
#: A sweep's peak goes over so many bins, in so many moves, so large a part of them one way.
SWEEP_BINS, SWEEP_MOVES, SWEEP_ONE_WAY = 6, 6, 0.8
#: A signal that was there stands so far above the floor, and above what is beside it.
OCCUPIED_DB, EDGE_DB = 10.0, 6.0


def kind_of(region: Region, map_db: FloatArray, normal_dbfs: FloatArray | None) -> str:
    """Return the kind of what lies in a region.

    Args:
        region: where it lies.
        map_db: ``(n_horizon, n_bins)``, measured less expected.
        normal_dbfs: ``(n_bins,)`` what is normal there; None where it is not known.
    """
    if region.sign < 0:
        return SIGNAL_LOST
    rows_db = map_db[:, region.lower_bin : region.upper_bin + 1]
    levels_db = rows_db.mean(axis=1)
    active = levels_db >= 0.5 * levels_db.max()
    if region.n_bins >= SWEEP_BINS and _sweeps(rows_db[active].argmax(axis=1)):
        return SWEEP
    if active.mean() <= PULSE_SHARE and not _begins_or_ends(active):
        return PULSE
    if region.n_bins <= TONE_BINS:
        return TONE
    if normal_dbfs is not None and _was_a_signal(region, normal_dbfs):
        return POWER_STEP
    if region.n_bins >= WIDEBAND_SHARE * map_db.shape[1]:
        return WIDEBAND
    return NARROWBAND


def _begins_or_ends(active: NDArray[np.bool_]) -> bool:
    """Whether it is there in one run that touches an end of the horizon: it may go on outside."""
    n_edges = int(np.count_nonzero(active[1:] != active[:-1]))
    return n_edges == 1


def _sweeps(peaks: NDArray[np.int64]) -> bool:
    moves = np.diff(peaks)
    moves = moves[moves != 0]
    if len(moves) < SWEEP_MOVES or np.ptp(peaks) < SWEEP_BINS:
        return False
    up = float((moves > 0).mean())
    return max(up, 1.0 - up) >= SWEEP_ONE_WAY


def _was_a_signal(region: Region, normal_dbfs: FloatArray) -> bool:
    """Whether the region is that of a signal which normally stands out of what is beside it."""
    inside_db = float(np.median(normal_dbfs[region.lower_bin : region.upper_bin + 1]))
    if inside_db < float(np.quantile(normal_dbfs, 0.1)) + OCCUPIED_DB:
        return False
    # Two bins beside: the first may hold a part of the edge.
    beside = (region.lower_bin - 2, region.upper_bin + 2)
    return all(
        normal_dbfs[bin_] <= inside_db - EDGE_DB for bin_ in beside if 0 <= bin_ < len(normal_dbfs)
    )
