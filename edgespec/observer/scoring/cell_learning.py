"""What is normal in a cell that was entered, learnt beside what is in force meanwhile."""

from edgespec.detect.sightings import Lookout
from edgespec.grid import Grid
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.warmup import WarmUp
from edgespec.records import Forecast, Geometry, Segment

__all__ = ["CellLearning"]

#: Signal of an alarm for which a cell is not learnt: whoever is there may be an interferer, and
#: after half a minute belongs to the place, as beside the cell.
_MOST_WAIT_S = 30.0


class CellLearning:
    """A warm-up as that of a start, while the detectors go on by what was learnt elsewhere.

    Args:
        basis: the model of the cell.
        scorer: of that model, which has learnt nothing.
        lookout: for its maps.
        geometry: of the segments.
    """

    def __init__(self, basis: Basis, scorer: Scorer, lookout: Lookout, geometry: Geometry) -> None:
        expected = basis.bundle.manifest.error_std_db if basis.bundle is not None else ()
        self.basis, self.scorer, self.lookout = basis, scorer, lookout
        self._warmup = WarmUp(geometry, scorer.n_warmup, error_std_db=expected)
        self._n_wait = round(_MOST_WAIT_S / geometry.hop_s)
        self.distrust = ""

    @property
    def is_over(self) -> bool:
        """Whether all of the warm-up was heard."""
        return not self.scorer.n_warmup_left

    def take(self, segment: Segment, forecast: Forecast | None, *, is_frozen: bool) -> None:
        """Take a segment that was scored by what is in force.

        Args:
            segment: the newest.
            forecast: what the model of the cell expects, where that has been asked; else None.
            is_frozen: an event is going on, or what was seen lately may become one.
        """
        if is_frozen and self._n_wait > 0:
            self._n_wait -= 1
            return
        scores = self.scorer.score(segment, forecast)
        self.lookout.learn(scores, segment.target)
        self._warmup.add(segment, scores)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what was learnt so far."""
        self.scorer.follow(step_db)
        self.lookout.follow(step_db)
        self._warmup.follow(step_db)

    def conclude(self, grid: Grid, band: str) -> None:
        """Judge what was learnt; where that was not normal, what was is learnt instead."""
        lessons = self._warmup.conclude(grid, self.scorer, band)
        if lessons is not None:
            self.lookout.learn_anew(lessons)
        self.distrust = self._warmup.distrust
