"""The events of a model on trial, counted beside what the model before it would have told."""

from collections.abc import Callable, Mapping

from edgespec.config import Config
from edgespec.detect.budget import Budget
from edgespec.detect.events import EventTracker
from edgespec.detect.regions import Region
from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.alerting import open_normals
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.budget_watch import BudgetWatch
from edgespec.observer.scoring.scored import ScoredSegment
from edgespec.records import Event, Score

__all__ = ["TrialWatch", "WouldTell", "keeper_of", "open_trial_watch"]

#: Whether the model before would have told of a segment what a score says; None: nobody knows.
WouldTell = Callable[[ScoredSegment, Score], bool | None]


class TrialWatch(BudgetWatch):
    """Counts the events that a model tells and the one before it would not have told.

    An interferer that comes often is heard by both, and is no fault of the new one. Where no model
    before is known, as behind a restart, all that is told counts if events are kept to a budget
    anyway, and nothing if they are not. Thresholds are kept to it as before, by ``keeper``, or not
    at all.

    Args:
        keeper: raises thresholds, None where nobody does.
        would_tell: of the model before.
        per_day: events a day that are bearable.
        chain: of the band.
        is_normal: whether people have called an event like this one normal.
    """

    def __init__(
        self,
        keeper: BudgetWatch | None,
        would_tell: WouldTell,
        per_day: float,
        chain: BandChain,
        is_normal: Callable[[Event], bool] = lambda event: False,
    ) -> None:
        rules, hop_s = chain.tracker.rules, chain.geometry.hop_s
        super().__init__(per_day, rules, hop_s, chain.info.band, is_normal)
        self.keeper, self._would_tell = keeper, would_tell

    @property
    def raised(self) -> dict[str, float]:
        """How many times its usual threshold that of a detector is, where it is raised."""
        return {} if self.keeper is None else self.keeper.raised

    def forget(self) -> None:
        """Forget what came: another model says what comes from now on."""
        super().forget()
        if self.keeper is not None:
            self.keeper.forget()

    def begin(
        self, usual: Mapping[str, float], range_hz: tuple[float, float], cell: Cell | None
    ) -> Mapping[str, float]:
        """Go by these thresholds; see :meth:`BudgetWatch.begin`."""
        super().begin(usual, range_hz, cell)
        return usual if self.keeper is None else self.keeper.begin(usual, range_hz, cell)

    def take(
        self,
        scored: ScoredSegment,
        tracker: EventTracker,
        is_cells: Callable[[Region | None], bool],
        *,
        by_one: bool,
    ) -> Mapping[str, float] | None:
        """Count a segment; return the thresholds from now on, where the keeper has others."""
        super().take(scored, tracker, is_cells, by_one=by_one)
        if self.keeper is None:
            return None
        return self.keeper.take(scored, tracker, is_cells, by_one=by_one)

    def hear(self, event: Event) -> None:
        """Take an event that was told: one that is normal here does not count."""
        super().hear(event)
        if self.keeper is not None:
            self.keeper.hear(event)

    def _counted(
        self, budget: Budget, scored: ScoredSegment, could: tuple[Score, ...]
    ) -> tuple[Score, ...]:
        known = []
        for one in could:
            would_tell = self._would_tell(scored, one)
            if would_tell or (would_tell is None and self.keeper is None):
                known.append(one)
        for one in known:
            budget.excuse(one.detector)
        return tuple([one for one in could if one not in known])

    def _tell(self, budget: Budget) -> None:
        """Say nothing: whoever judges the model does."""


def keeper_of(chain: BandChain) -> BudgetWatch | None:
    """Return what keeps the events of a chain to a budget, whether a model is on trial or not."""
    budget = chain.budget
    return budget.keeper if isinstance(budget, TrialWatch) else budget


def open_trial_watch(config: Config, would_tell: WouldTell) -> Callable[[BandChain], TrialWatch]:
    """Return what makes the count for a chain, in front of that which keeps it to its budget."""
    per_day, is_normal = config.detect.budget_per_day, open_normals(config)

    def made(chain: BandChain) -> TrialWatch:
        return TrialWatch(keeper_of(chain), would_tell, per_day, chain, is_normal)

    return made
