"""The thresholds of a band kept to what is bearable of events, as its chain goes on."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from edgespec.detect.budget import Budget
from edgespec.detect.events import EventTracker
from edgespec.detect.regions import Region
from edgespec.observer.scored import ScoredSegment
from edgespec.records import Event, EventType

__all__ = ["BudgetWatch"]

_LOG = logging.getLogger(__name__)


class BudgetWatch:
    """Counts what would be events by the usual thresholds, and says which are to be in force.

    What people have called normal here is no alert, and raises nothing.

    Args:
        budget: what is bearable.
        band: names it in the log.
        is_normal: whether people have called an event like this one normal.
    """

    def __init__(
        self, budget: Budget, band: str, is_normal: Callable[[Event], bool] = lambda event: False
    ) -> None:
        self._budget, self._band, self._is_normal = budget, band, is_normal

    @property
    def raised(self) -> dict[str, float]:
        """How many times its usual threshold that of a detector is, where it is raised."""
        budget = self._budget
        return {name: limit / budget.usual[name] for name, limit in budget.raised.items()}

    def begin(self, usual: Mapping[str, float]) -> None:
        """Go by these thresholds, as in another cell; what came before says nothing of them."""
        self._budget.begin(usual)

    def take(
        self,
        scored: ScoredSegment,
        tracker: EventTracker,
        is_cells: Callable[[Region | None], bool],
        *,
        by_one: bool,
    ) -> Mapping[str, float] | None:
        """Take a segment; return the thresholds from now on, where they are others.

        Args:
            scored: the segment.
            tracker: knows which scores open no event, however high.
            is_cells: whether power that is not normal is the wanted signal's own.
            by_one: whether a strong score opens an event alone.
        """
        budget = self._budget
        limits = budget.limits(scored.scores)
        could = scored.scores
        if any(one.value > limit for one, limit in zip(could, limits, strict=True)):
            usual = replace(scored, thresholds=limits)
            could = tracker.could_open(usual, scored.segment.target, is_cells, share=1.0)
        if not budget.add(could, by_one=by_one):
            return None
        self._tell()
        return {**budget.usual, **budget.raised}

    def hear(self, event: Event) -> None:
        """Take an event that was told: one that is normal here does not count."""
        if event.event_type is EventType.END and self._is_normal(event):
            self._budget.forgive(event.detector)

    def _tell(self) -> None:
        budget = self._budget
        for name, limit in budget.raised.items():
            said = (
                "band %s: %s made %d events in %s, and %g a day are bearable: its threshold is "
                "%.3g for now, in place of %.3g, and weaker ones are not told. `edgespec events` "
                "lists them; what is normal can be called so, and `edgespec calibrate` hears more"
            )
            heard = f"{budget.heard_s / 60.0:.0f} min"
            values = len(budget.exceeded(name)), heard, budget.per_day, limit, budget.usual[name]
            _LOG.warning(said, self._band, name, *values)
        if not budget.raised:
            _LOG.info("band %s: its usual thresholds keep to what is bearable again", self._band)
