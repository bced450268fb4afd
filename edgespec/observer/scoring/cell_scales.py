"""Model, scales and thresholds of the cell that a band is in: taken up, or learnt anew."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from edgespec.detect.detectors import MODEL_DETECTORS
from edgespec.detect.sightings import Lookout
from edgespec.dsp.prefix.cell import Cell
from edgespec.grid import Grid
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.cell_learning import CellLearning
from edgespec.observer.scoring.known_scales import KnownScales
from edgespec.observer.scoring.scored import ScoredSegment
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.yardstick import Terms, Yardstick
from edgespec.records import Geometry, Score, Segment
from edgespec.reference import below, under

__all__ = ["CellScales", "ScalesPlan"]

_LOG = logging.getLogger(__name__)
_SCORER, _LOOKOUT = "scorer", "lookout"


@dataclass(frozen=True, slots=True)
class ScalesPlan:
    """What there is for each cell.

    ``models`` are by the label of a cell, such as ``lte-123``; ``terms`` returns the thresholds of
    a cell by a model.
    """

    terms: Callable[[str, Basis], Terms]
    models: Mapping[str, Basis] = field(default_factory=dict)
    known: KnownScales = field(default_factory=KnownScales)


class CellScales:
    """Says by what segments are measured in the cell that is followed.

    What is known of a cell counts as soon as it is entered: its model, its scales and its
    thresholds, together. What is not known is learnt in a warm-up of its own, while the detectors
    go on by what is in force; so nothing is deaf meanwhile. The first cell of a run is the one that
    the run's own warm-up learns. What is not trusted is not kept. A band without a cell is measured
    as one that is in a cell without a name. Another model that takes the place of the usual one
    while the band is watched is a change of the same sort: no sample is lost for it.

    Args:
        plan: what there is for each cell.
        basis: the model of a cell that has none of its own.
        make: makes a scorer that has learnt nothing yet, of a model.
        geometry: of the segments.
        band: names it in the log.
    """

    def __init__(
        self,
        plan: ScalesPlan,
        basis: Basis,
        make: Callable[[Basis], Scorer],
        geometry: Geometry,
        band: str,
    ) -> None:
        self._plan, self._usual, self._make = plan, basis, make
        self._geometry, self._band = geometry, band
        self._begin()

    def _begin(self) -> None:
        # The model before the usual one, and by what it measured in the cell that is followed.
        self._before: tuple[Basis, Yardstick] | None = None
        self._cell: Cell | None = None
        # Of the cell that is followed, and of that which what is in force was learnt in; '' where
        # none was known then, or two were there.
        self._label = self._of = ""
        self._basis = self._usual
        self._learning: CellLearning | None = None
        self._is_first, self._is_due = True, False

    @property
    def usual(self) -> Basis:
        """The model of a cell that has none of its own."""
        return self._usual

    def usual_terms(self) -> Terms:
        """Return the thresholds that are kept for the usual model, where no cell has its own."""
        return self._plan.terms("", self._usual)

    def would_tell(self, scored: ScoredSegment, score: Score) -> bool | None:
        """Whether the model before the usual one would have told what a score says of a segment.

        The network is asked where its detector is meant; of another detector, which learnt the same
        as that of the model before, by the threshold alone. None where none is known in this cell.
        """
        if self._before is None:
            return None
        before = self._before[1]
        limit = before.terms.thresholds.get(score.detector)
        if limit is None:
            return False
        if score.detector not in MODEL_DETECTORS.values():
            return score.value > limit
        own = before.scorer.of_network(scored.segment)
        return own is not None and own.value > limit

    def exchange(self, basis: Basis) -> None:
        """Take another usual model, between two blocks; it counts once it has learnt the site.

        Where it is the one before, and the cell is the same, what it had learnt counts at once.

        Args:
            basis: for the same frames, with the same inputs and detectors.
        """
        self._usual, self._learning, self._is_due = basis, None, True

    def retune(self, now: Yardstick) -> Yardstick | None:
        """Forget all cells, as behind a retune; return what to begin with, where that is another.

        The warm-up begins anew, with the usual model and its terms.
        """
        is_usual = self._basis is self._usual
        self._begin()
        self._plan.known.clear()
        terms = self._plan.terms("", self._usual)
        if is_usual:
            return replace(now, terms=terms)
        return self._made(self._usual, *self._new(self._usual), terms)

    def recalibrated(self, now: Yardstick) -> Yardstick:
        """Return what is in force with the thresholds that are kept for it now."""
        return replace(now, terms=self._plan.terms(self._of, self._basis))

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is known elsewhere, and learnt now."""
        self._plan.known.follow(step_db)
        if self._learning is not None:
            self._learning.follow(step_db)
        if self._before is not None:
            self._before[1].scorer.follow(step_db)
            self._before[1].lookout.follow(step_db)

    def enter(self, cell: Cell | None, now: Yardstick) -> Yardstick | None:
        """Take the cell that is followed; return what to go by from now on, where that is known.

        Args:
            cell: that was found last; nothing is done where it is None or that of the last call.
            now: what is in force.
        """
        if cell is None or cell is self._cell:
            return None
        self._cell, label = cell, cell.label
        if label == self._label:
            return None
        self._is_first = not self._label
        self._keep(now)
        self._label, self._learning, self._is_due, self._before = label, None, False, None
        if self._is_first:
            self._of = label
        elif not now.scorer.is_warm:
            # Two cells were there in one warm-up.
            self._of = ""
        if not now.scorer.is_warm and not self._is_own():
            self._is_due = True
            return None
        return self._choose(now)

    def next(self, grid: Grid, now: Yardstick) -> Yardstick | None:
        """Return what to go by from this segment on, where something else was learnt meanwhile."""
        if self._is_due and now.scorer.is_warm:
            self._is_due = False
            return self._choose(now)
        learning = self._learning
        if learning is None or not learning.is_over:
            return None
        self._learning = None
        learning.conclude(grid, self._band)
        self._before = (self._basis, now) if self._of == self._label else None
        made = learning.basis, learning.scorer, learning.lookout, learning.distrust
        return self._go_by(*made, how="what was learnt there counts from now on")

    def learn(self, segment: Segment, scorer: Scorer, *, is_frozen: bool) -> None:
        """Learn from a segment that was scored, where something is to be learnt.

        While it is frozen, somebody may be there: as in :class:`CellLearning`.
        """
        learning = self._learning
        if learning is not None:
            forecast = scorer.forecast if learning.basis is self._basis else None
            learning.take(segment, forecast, is_frozen=is_frozen)

    def finish(self, now: Yardstick) -> None:
        """Keep what is known for the next run: the stream is over."""
        self._keep(now)
        self._plan.known.close()

    def _is_own(self) -> bool:
        """Whether what is in force is of the cell that is followed, and of its model."""
        return self._of == self._label and self._basis is self._wanted()

    def _wanted(self) -> Basis:
        return self._plan.models.get(self._label, self._usual)

    def _choose(self, now: Yardstick) -> Yardstick | None:
        basis = self._wanted()
        if self._is_own():
            if not self._is_first:
                return None
            # It stays; only now it is known whose thresholds these are.
            return replace(now, terms=self._plan.terms(self._label, basis))
        before, self._before = self._before, None
        if before is not None and before[0] is basis:
            made = before[1].scorer, before[1].lookout, before[1].distrust
            return self._go_by(basis, *made, how="what was learnt before counts again")
        if not self._is_first:
            known = self._recalled(basis)
            if known is not None:
                return self._go_by(basis, *known, how="what was learnt in it counts")
        self._learning = CellLearning(basis, *self._new(basis), self._geometry)
        said = "band %s: %sit is learnt what is normal; what was learnt before counts yet"
        _LOG.info(said, self._band, self._place)
        return None

    def _recalled(self, basis: Basis) -> tuple[Scorer, Lookout] | None:
        """Return detectors that go by what is known of the cell; None where that is nothing."""
        known = self._plan.known.of(self._label, basis.model_sha256 or "")
        if known is None:
            return None
        reference, moved_db = known
        scorer, lookout = self._new(basis)
        try:
            scorer.take_reference(below(_SCORER, reference))
            lookout.take_reference(below(_LOOKOUT, reference))
        except (LookupError, ValueError) as error:
            said = "band %s: what was normal in cell %s is not used: %.200s"
            _LOG.warning(said, self._band, self._label, error)
            self._plan.known.forget(self._label)
            return None
        if moved_db:
            scorer.follow(moved_db)
            lookout.follow(moved_db)
        return scorer, lookout

    def _go_by(
        self, basis: Basis, scorer: Scorer, lookout: Lookout, distrust: str = "", *, how: str
    ) -> Yardstick:
        model = "" if basis is self._basis else f", by the model {basis.model}"
        self._basis, self._of = basis, self._label
        _LOG.warning("band %s: %s%s%s", self._band, self._place, how, model)
        return self._made(basis, scorer, lookout, self._plan.terms(self._label, basis), distrust)

    @property
    def _place(self) -> str:
        return f"in cell {self._label} " if self._label else ""

    def _new(self, basis: Basis) -> tuple[Scorer, Lookout]:
        return self._make(basis), Lookout(self._geometry.n_bins, basis.spread_db)

    def _made(
        self, basis: Basis, scorer: Scorer, lookout: Lookout, terms: Terms, distrust: str = ""
    ) -> Yardstick:
        return Yardstick(scorer, lookout, terms, basis.model, basis.model_sha256, distrust)

    def _keep(self, now: Yardstick) -> None:
        """Keep what is in force for its cell, where that is known and trusted."""
        if not self._of or now.distrust or not now.scorer.is_warm:
            return
        reference = under(_SCORER, now.scorer.reference())
        reference |= under(_LOOKOUT, now.lookout.reference())
        self._plan.known.keep(self._of, self._basis.model_sha256 or "", reference)
