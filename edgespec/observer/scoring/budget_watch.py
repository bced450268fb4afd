"""The thresholds of a band kept to what is bearable of events, as its chain goes on."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from edgespec.detect.budget import Budget
from edgespec.detect.events import EventTracker
from edgespec.detect.regions import Region
from edgespec.detect.rules import EventRules
from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.scoring.scored import ScoredSegment
from edgespec.records import Event, EventType, Score
from edgespec.units import counted, format_duration

__all__ = ["BudgetWatch"]

_LOG = logging.getLogger(__name__)
#: As many as there are cells that are known.
_MOST_KNOWN = 8


class BudgetWatch:
    """Counts what would be events by the usual thresholds, and says which are to be in force.

    Each cell has its own. What people have called normal here is no alert, and raises nothing.

    Args:
        per_day: events a day that are bearable.
        rules: when an event opens and ends.
        hop_s: seconds from one hop to the next.
        band: names it in the log.
        is_normal: whether people have called an event like this one normal.
    """

    def __init__(
        self,
        per_day: float,
        rules: EventRules,
        hop_s: float,
        band: str,
        is_normal: Callable[[Event], bool] = lambda event: False,
    ) -> None:
        self._make: Callable[[Mapping[str, float]], Budget] = partial(Budget, per_day, rules, hop_s)
        self._band, self._is_normal = band, is_normal
        self._budget = self._make({})
        # By where the band lies and the label of a cell, the last one at the end.
        self._known: dict[tuple[tuple[float, float], str], Budget] = {}

    @property
    def raised(self) -> dict[str, float]:
        """How many times its usual threshold that of a detector is, where it is raised."""
        budget = self._budget
        return {name: limit / budget.usual[name] for name, limit in budget.raised.items()}

    @property
    def excess(self) -> str:
        """Which detectors made more events than are bearable, in words; '' for none."""
        budget = self._budget
        heard = format_duration(budget.heard_s)
        return "; ".join(
            f"{name} made {counted(len(budget.exceeded(name)), 'event')} in {heard}, and "
            f"{budget.per_day:g} a day are bearable"
            for name in budget.raised
        )

    def forget(self) -> None:
        """Forget what came: another model says what comes from now on."""
        self._known.clear()

    def begin(
        self, usual: Mapping[str, float], range_hz: tuple[float, float], cell: Cell | None
    ) -> Mapping[str, float]:
        """Go by these thresholds, and by what came in this cell before; return those in force.

        What came elsewhere, or by other thresholds, says nothing of them.

        Args:
            usual: threshold of each detector.
            range_hz: where the band lies.
            cell: that is followed; None: none is known.
        """
        place = range_hz, "" if cell is None else cell.label
        known = self._known.pop(place, None)
        self._budget = known if known is not None and known.usual == usual else self._make(usual)
        self._known[place] = self._budget
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return self._budget.in_force

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
            could = self._counted(budget, scored, could)
        if not budget.add(could, by_one=by_one):
            return None
        self._tell(budget)
        return budget.in_force

    def hear(self, event: Event) -> None:
        """Take an event that was told: one that is normal here does not count."""
        if event.event_type is EventType.END and self._is_normal(event):
            self._budget.forgive(event.detector)

    def _counted(
        self, budget: Budget, scored: ScoredSegment, could: tuple[Score, ...]
    ) -> tuple[Score, ...]:
        """Return which of the scores that could open an event count."""
        return could

    def _tell(self, budget: Budget) -> None:
        for name, limit in budget.raised.items():
            said = (
                "band %s: %s made %d events in %s, and %g a day are bearable: its threshold "
                "is %.3g for now, in place of %.3g, and what lies between is not told. `edgespec "
                "events` lists them; what is normal can be called so, and `edgespec calibrate` "
                "hears more"
            )
            n_events, heard = len(budget.exceeded(name)), format_duration(budget.heard_s)
            of = limit, budget.usual[name]
            _LOG.warning(said, self._band, name, n_events, heard, budget.per_day, *of)
        if not budget.raised:
            _LOG.info("band %s: its usual thresholds keep to what is bearable again", self._band)
