"""A claim of a paper as a record, and the one judge of all of them."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from converter.lab.numbers.intervals import Interval

__all__ = ["LEAST_OBSERVERS", "Bound", "Claim", "Finding", "Measured", "UntestableError", "Verdict"]

#: A bootstrap over fewer observers than these gives intervals that are too narrow.
LEAST_OBSERVERS = 6
R = TypeVar("R")
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "above": operator.gt,
    "at least": operator.ge,
    "at most": operator.le,
    "below": operator.lt,
}


class Verdict(StrEnum):
    """What the figures say."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not confirmed"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured, the verdict by the claim's rule, and why in a few words.

    ``cause`` says of what is not confirmed what in the signal or the model makes it so.
    """

    measured: str
    verdict: Verdict
    why: str
    figures: Mapping[str, Interval | float] = field(default_factory=dict)
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measure found, in words, with the figures behind it.

    Every interval of ``judged`` must keep the claim's bounds; ``why`` tells of the first. ``said``
    are further words for it.
    """

    judged: tuple[Interval, ...]
    text: str
    figures: Mapping[str, Interval | float] = field(default_factory=dict)
    said: Mapping[str, object] = field(default_factory=dict)


class UntestableError(Exception):
    """There is nothing to judge by, for the reason given; some figures may be there all the same.

    A measure raises it, and the claim turns it into a finding.
    """

    def __init__(
        self, why: str, text: str = "-", figures: Mapping[str, Interval | float] | None = None
    ) -> None:
        super().__init__(why)
        self.finding = Finding(text, Verdict.NOT_TESTABLE, why, figures or {})


@dataclass(frozen=True, slots=True)
class Bound:
    """On which side of a figure one end of an interval must lie: ``lower bound above 0.05 dB``."""

    end: Literal["lower", "upper"]
    side: Literal["above", "at least", "at most", "below"]
    tolerance: float
    unit: str = ""

    def value(self, judged: Interval) -> float:
        """Return the end of an interval that the bound is about."""
        return judged.low if self.end == "lower" else judged.high

    def holds(self, judged: Interval) -> bool:
        """Whether an interval lies as the bound asks."""
        return _HOLDS[self.side](self.value(judged), self.tolerance)

    def __str__(self) -> str:
        return f"{self.end} bound {self.side} {self.tolerance:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Claim(Generic[R]):
    """What is claimed, what of it is measured in results of type ``R``, and the bounds for it.

    Attributes:
        key: short name.
        text: the claim in a sentence.
        paper: what the paper says, and where.
        compared: what the rule compares, in words; ``{}`` stands for the first bound.
        measure: gives the intervals to be judged.
        bounds: confirmed where all of them hold.
        why: the reason of the verdict; it may name the first bound's ``end``, ``value`` and
            ``tolerance``, the first ``judged`` interval, and what the measure has ``said``.
        why_not: the reason where a bound does not hold; as ``why`` if empty.
    """

    key: str
    text: str
    paper: str
    compared: str
    measure: Callable[[R], Measured]
    bounds: tuple[Bound, ...]
    why: str
    why_not: str = ""

    @property
    def rule(self) -> str:
        """The rule in words, for the reader."""
        return self.compared.format(*self.bounds)

    def on(self, results: R, n_observers: int) -> Finding:
        """Return what became of the claim; no verdict where too few observers were asked."""
        try:
            measured = self.measure(results)
        except UntestableError as error:
            return error.finding
        found = self._judge(measured)
        if n_observers >= LEAST_OBSERVERS:
            return found
        why = f"{n_observers} test observers are too few for a verdict; it takes {LEAST_OBSERVERS}"
        return replace(found, verdict=Verdict.NOT_TESTABLE, why=why)

    def _judge(self, measured: Measured) -> Finding:
        is_so = all(bound.holds(each) for each in measured.judged for bound in self.bounds)
        first, judged = self.bounds[0], measured.judged[0]
        why = (self.why if is_so or not self.why_not else self.why_not).format(
            end=first.end,
            value=first.value(judged),
            tolerance=first.tolerance,
            judged=judged,
            **measured.said,
        )
        verdict = Verdict.CONFIRMED if is_so else Verdict.NOT_CONFIRMED
        return Finding(measured.text, verdict, why, measured.figures)
