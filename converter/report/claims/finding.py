"""A claim of the paper, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from converter.lab.numbers.intervals import Interval
from converter.report.results import Results

__all__ = ["LEAST_OBSERVERS", "Claim", "Finding", "Verdict", "absent", "judged"]


#: A bootstrap over fewer observers than these gives intervals that are too narrow.
LEAST_OBSERVERS = 6


class Verdict(StrEnum):
    """What the figures say."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not confirmed"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured, the verdict by the claim's rule, and why in a few words."""

    measured: str
    verdict: Verdict
    why: str
    figures: Mapping[str, Interval | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the paper says, where, and the rule that turns figures into a verdict.

    ``rule`` says the rule in words, for the reader; ``judge`` is the rule.
    """

    key: str
    text: str
    paper: str
    rule: str
    judge: Callable[[Results], Finding]

    def on(self, results: Results) -> Finding:
        """Return what became of the claim; no verdict where too few observers were asked."""
        found = self.judge(results)
        n_observers = _test_observers(results)
        if found.verdict is Verdict.NOT_TESTABLE or n_observers >= LEAST_OBSERVERS:
            return found
        why = f"{n_observers} test observers are too few for a verdict; it takes {LEAST_OBSERVERS}"
        return replace(found, verdict=Verdict.NOT_TESTABLE, why=why)


def _test_observers(results: Results) -> int:
    """Return the test observers of the unified model's population, over all seeds."""
    if results.kinship is None:
        return 0
    observers = results.experiment.observers_of(results.kinship.home)
    return observers.test * observers.n_seeds


def absent(why: str) -> Finding:
    """Return that there is nothing to judge by."""
    return Finding("-", Verdict.NOT_TESTABLE, why)


def judged(
    is_so: bool, measured: str, why: str, figures: Mapping[str, Interval | float] | None = None
) -> Finding:
    """Return confirmed where it is so, else not confirmed."""
    verdict = Verdict.CONFIRMED if is_so else Verdict.NOT_CONFIRMED
    return Finding(measured, verdict, why, figures or {})
