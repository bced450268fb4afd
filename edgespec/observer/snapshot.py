"""How a band is between two blocks: what its chain tells of itself."""

from dataclasses import dataclass

from edgespec.heard_cell import HeardCell
from edgespec.observer.unscored import Lately
from edgespec.promise import Promise
from edgespec.site_cell import SiteCell

__all__ = ["BandSnapshot"]


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
