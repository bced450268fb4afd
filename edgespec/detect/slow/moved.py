"""Where levels have moved: runs of bins, and the noise floor."""

import uuid
from dataclasses import dataclass, field

import numpy as np

from edgespec.clock import ClockQuality
from edgespec.detect.regions import BRIDGED_BINS, PEAK_SHARE, Region, run_around
from edgespec.detect.slow.looks import FLOOR
from edgespec.records import BandInfo, Change, Event, EventType, FloatArray

__all__ = ["DETECTOR", "MOST", "OVER", "Moved", "floor_rise_db", "moved_regions"]

_NS = 1_000_000_000
#: What these events name in place of a detector.
DETECTOR = "site"

#: So many are told at once.
MOST = 4
#: What has come back to within this share of the limit is over, and what is beside something that
#: has moved and beyond it belongs to that.
OVER = 0.5
#: The loudest tenth of the bins, and how far above the floor they must be to say that all has moved
#: by this share of what the floor has: that is the receiver's gain.
_LOUD_SHARE, _LOUD_DB, _ALIKE = 0.9, 6.0, 0.75


@dataclass(slots=True)
class Moved:
    """Something that has moved: what, where and by how much, since when and up to when.

    ``limit_db`` is what it took to be told. ``said_at`` is the tick of the last message.
    """

    kind: str
    region: Region
    limit_db: float
    severity_db: float
    peak_dbfs: float
    tick_start: int
    start_ns: int
    tick_end: int = 0
    said_at: int = 0
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def is_of(self, other: "Moved") -> bool:
        """Whether another is the same, a little later."""
        return self.kind == other.kind and self.region.is_near(other.region, BRIDGED_BINS)

    def go_on(self, newer: "Moved") -> None:
        """Take what is known of it now."""
        newest = newer.region
        around = self.region.joined(newest)
        self.region = Region(
            around.lower_bin, around.upper_bin, newest.peak_bin, newest.sign, newest.excess_db
        )
        self.severity_db, self.peak_dbfs = newer.severity_db, newer.peak_dbfs

    def message(
        self, event_type: EventType, info: BandInfo, clock: ClockQuality, latency_ns: int
    ) -> Event:
        """Return what there is to say of it: score and threshold are in dB."""
        grid, region = info.grid, self.region
        lower_hz, upper_hz = grid.edges_hz(region.lower_bin, region.upper_bin)
        n_ticks, excess_db = self.tick_end - self.tick_start, abs(region.excess_db)
        return Event(
            event_id=self.event_id,
            event_type=event_type,
            band=info.band,
            start_ns=self.start_ns,
            end_ns=self.start_ns + round(n_ticks / grid.tick_hz * _NS),
            sample_start=self.tick_start,
            n_samples=n_ticks,
            freq_lower_hz=lower_hz,
            freq_upper_hz=upper_hz,
            peak_freq_hz=float(grid.freqs_hz[region.peak_bin]),
            peak_dbfs=self.peak_dbfs,
            change=Change.GAIN if region.sign > 0 else Change.LOSS,
            excess_db=region.excess_db,
            severity_db=self.severity_db,
            detector=DETECTOR,
            score=excess_db,
            threshold=self.limit_db,
            sureness=1.0 - self.limit_db / (2.0 * max(excess_db, self.limit_db)),
            kind=self.kind,
            clock=clock,
            latency_s=latency_ns / _NS,
            model_sha256=info.model_sha256,
        )


def moved_regions(excess_db: FloatArray, limit_db: FloatArray) -> list[Region]:
    """Return where bins are beyond their limits, the clearest first; both ``(n_bins,)``."""
    left = np.ones(len(excess_db), np.bool_)
    found: list[Region] = []
    while len(found) < MOST:
        ratio = np.where(left, np.abs(excess_db) / limit_db, 0.0)
        peak = int(ratio.argmax())
        if ratio[peak] < 1.0:
            break
        sign = 1 if excess_db[peak] > 0 else -1
        depth_db = sign * excess_db
        member = left & (depth_db >= np.maximum(PEAK_SHARE * depth_db[peak], OVER * limit_db))
        lower, upper = run_around(member, peak, BRIDGED_BINS)
        left[lower : upper + 1] = False
        found.append(Region(lower, upper, peak, sign, float(excess_db[peak])))
    return found


def floor_rise_db(excess_db: FloatArray, usual_dbfs: FloatArray) -> float:
    """Return by how many dB the noise floor has risen, 0 where all has risen with it.

    Args:
        excess_db: ``(n_bins + 1,)``, how far bins, and the floor behind them, are from usual.
        usual_dbfs: what is usual, of the same shape.
    """
    rise_db, bins_dbfs = float(excess_db[FLOOR]), usual_dbfs[:FLOOR]
    loud_dbfs = np.quantile(bins_dbfs, _LOUD_SHARE)
    if loud_dbfs >= usual_dbfs[FLOOR] + _LOUD_DB:
        loud_db = float(np.median(excess_db[:FLOOR][bins_dbfs >= loud_dbfs]))
        if loud_db >= _ALIKE * rise_db:
            return 0.0
    return max(rise_db, 0.0)
