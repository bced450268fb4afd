"""How a band is between two blocks: what its chain tells of itself."""

from dataclasses import dataclass, field

from edgespec.band_rhythm import BandRhythm
from edgespec.detect.any_band.detector import ANY_BAND
from edgespec.heard_cell import HeardCell
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.unscored import Lately
from edgespec.promise import Promise
from edgespec.site_cell import SiteCell

__all__ = ["BandSnapshot", "snapshot_of"]


@dataclass(frozen=True, slots=True)
class BandSnapshot:
    """How a band is after the last segment: what a state says of it.

    While ``warmup_left_s`` of signal are still to be learnt from, ``scores`` is empty. Levels are
    those of the last target, scored or not: total power, and noise floor per bin.
    """

    n_segments: int
    n_skipped: dict[str, int]
    level_dbfs: float
    noise_floor_dbfs: float
    scores: dict[str, float]
    thresholds: dict[str, float]
    alarm: bool
    warmup_left_s: float
    unscored: Lately
    troubles: tuple[str, ...]
    distrust: str
    center_freq_hz: float
    cell: HeardCell | None = None
    promise: Promise | None = None
    site_cells: tuple[SiteCell, ...] = ()
    rhythm: BandRhythm | None = None
    side_inputs: str = ""
    raised: dict[str, float] = field(default_factory=dict)


def snapshot_of(chain: BandChain) -> BandSnapshot:
    """Return how a band is now; only between blocks."""
    level_dbfs, floor_dbfs = chain.levels_dbfs()
    # In the warm-up scores are in dB and say nothing beside thresholds in deviations.
    unscored, cancelled = chain.unscored.lately(), chain.cancelled
    is_scored = chain.scorer.is_warm and not unscored.duration_s
    scores = chain.last.scores if chain.last is not None and is_scored else ()
    return BandSnapshot(
        n_segments=chain.n_segments,
        n_skipped=dict(chain.segmenter.skipped),
        level_dbfs=level_dbfs,
        noise_floor_dbfs=floor_dbfs,
        scores={score.detector: score.value for score in scores},
        thresholds=dict(chain.thresholds),
        alarm=chain.is_alarming
        or chain.meter.is_open
        or (chain.site is not None and chain.site.is_open),
        warmup_left_s=chain.warmup_left_s,
        unscored=unscored,
        troubles=chain.troubles,
        distrust=chain.distrust,
        center_freq_hz=sum(chain.grid.range_hz) / 2.0,
        cell=None if cancelled is None else cancelled.heard,
        promise=chain.promise,
        site_cells=() if cancelled is None else cancelled.learnt.known(),
        rhythm=None if chain.rhythm is None else chain.rhythm.heard(chain.thresholds[ANY_BAND]),
        side_inputs=chain.meter.side_inputs,
        raised={} if chain.budget is None else chain.budget.raised,
    )
