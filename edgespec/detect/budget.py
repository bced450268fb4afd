"""What events come to beside what is bearable a day, and thresholds that keep to it."""

import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgespec.detect.rules import STRONG, EventRules
from edgespec.records import Score
from edgespec.tail import fit_tail

__all__ = ["MOST_RAISED", "Budget", "Exceedance", "chance_of", "limits_within"]

#: A threshold becomes so many times the usual one at most: who is stronger is told, always.
MOST_RAISED = 4.0
#: Fewer events say nothing; and chance makes as many with this probability at most.
_LEAST_EVENTS, _CHANCE = 3, 0.01
#: Who stays for so long, and for so many hops, is no fluctuation of what is normal.
_STAYS_S, _STAYS_HOPS = 30.0, 10
#: Signal that counts, the newest; and how often it is looked at while nothing exceeds anything.
_KEPT_S, _LOOK_S = 21_600.0, 60.0
#: So many exceedances are kept, the newest.
_MOST_KEPT = 4096
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Exceedance:
    """An event that a detector's usual threshold makes: its end in hops, and its score."""

    hop: int
    score: float


def limits_within(
    per_day: float,
    usual: Mapping[str, float],
    exceeded: Mapping[str, Collection[float]],
    heard_s: float,
) -> dict[str, float]:
    """Return thresholds of detectors whose usual ones were exceeded more often than is bearable.

    Each detector has an equal share of the budget. Of one that had as many events as a whole day of
    all may have, and three at least, where chance makes as many of its share with a probability of
    1% at most, the scores above the usual threshold are continued by an exponential tail; the new
    one is what they exceed as often as the share allows, but :data:`MOST_RAISED` times the usual at
    most. A thicker tail shows in what comes then.

    Args:
        per_day: events a day that are bearable.
        usual: threshold of each detector.
        exceeded: scores of the events above it, by detector.
        heard_s: seconds of signal that they came in.
    """
    share, heard_days = per_day / max(len(usual), 1), heard_s / _DAY_S
    n_least = max(_LEAST_EVENTS, per_day)
    raised = {}
    for name, scores in exceeded.items():
        n_events, expected = len(scores), share * heard_days
        if n_events < n_least or chance_of(n_events, expected) > _CHANCE:
            continue
        excesses = np.fromiter(scores, np.float64) - usual[name]
        tail = fit_tail(excesses, usual[name], n_events / heard_days, is_exponential=True)
        raised[name] = min(tail.score_at(share), MOST_RAISED * usual[name])
    return raised


def chance_of(n_events: int, expected: float) -> float:
    """Return the probability of so many events or more, where so many are expected (Poisson)."""
    term = math.exp(-expected)
    below = 0.0
    for number in range(n_events):
        below += term
        term *= expected / (number + 1)
    return max(1.0 - below, 0.0)


class Budget:
    """Keeps events to what is bearable, by those that the usual thresholds made in the last hours.

    Nothing changes until there is proof that they make more, and then only the thresholds of
    detectors that do. What exceeds the usual ones is counted as before, so they fall again as it
    gets quiet. Who stays for half a minute does not count: that is nothing that chance makes; nor
    does who is so strong that no threshold is raised above him.

    Args:
        per_day: events a day that are bearable.
        rules: when an event opens and ends.
        hop_s: seconds from one hop to the next.
        usual: threshold of each detector.

    Attributes:
        usual: thresholds before anything is raised.
        raised: thresholds above the usual ones, by detector.
    """

    def __init__(
        self, per_day: float, rules: EventRules, hop_s: float, usual: Mapping[str, float]
    ) -> None:
        self.per_day, self.usual = per_day, dict(usual)
        self._hop_s = hop_s
        self._n_hold = round(rules.hold_off_s / hop_s)
        self._n_stays = max(round(_STAYS_S / hop_s), _STAYS_HOPS)
        self.raised: dict[str, float] = {}
        self._hop = self._looked = 0
        self._runs = {name: _Run(rules) for name in usual}
        self._forgiven: dict[str, int] = {}
        self._excused: dict[str, int] = {}
        self._exceeded = {name: deque[Exceedance](maxlen=_MOST_KEPT) for name in usual}

    @property
    def heard_s(self) -> float:
        """Seconds of signal that count."""
        return min(self._hop * self._hop_s, _KEPT_S)

    @property
    def in_force(self) -> dict[str, float]:
        """The threshold of each detector now."""
        return {**self.usual, **self.raised}

    def limits(self, scores: Sequence[Score]) -> tuple[float, ...]:
        """Return the usual threshold of each score."""
        return tuple([self.usual[score.detector] for score in scores])

    def exceeded(self, name: str) -> list[float]:
        """Return the scores of the events that the usual threshold of a detector made."""
        return [one.score for one in self._exceeded[name]]

    def add(self, scores: Sequence[Score], *, by_one: bool) -> bool:
        """Take the scores of a hop that could open an event.

        Args:
            scores: of the hop.
            by_one: whether a strong one opens an event alone.

        Returns:
            Whether :attr:`raised` is another now.
        """
        self._hop += 1
        is_news = False
        for name, run in self._runs.items():
            if run.last and self._hop - run.last > self._n_hold:
                is_news |= self._end(name, run)
        for score in scores:
            name = score.detector
            is_excused = self._hop - self._excused.get(name, -self._n_hold - 1) <= self._n_hold
            if score.value > self.usual[name] and not is_excused:
                self._runs[name].take(score.value, self._hop, self.usual[name], by_one=by_one)
        if not is_news and not (self.raised and self._hop - self._looked >= _LOOK_S / self._hop_s):
            return False
        self._looked = self._hop
        raised, self.raised = self.raised, self._judged()
        return raised != self.raised

    def forgive(self, name: str) -> None:
        """Count no event of a detector that ended within the hold-off, or is about to."""
        if name not in self._runs:
            return
        self._forgiven[name] = self._hop
        kept = self._exceeded[name]
        if kept and self._hop - kept[-1].hop <= self._n_hold:
            kept.pop()

    def excuse(self, name: str) -> None:
        """Count no event of a detector that goes on, nor one that begins within the hold-off."""
        self._runs[name].end()
        self._excused[name] = self._hop

    def _end(self, name: str, run: "_Run") -> bool:
        """End a run; return whether it was an event that counts."""
        peak, n_hops = run.end()
        is_forgiven = self._hop - self._forgiven.get(name, -self._n_hold - 1) <= self._n_hold
        is_strong = peak >= MOST_RAISED * self.usual[name]
        if not peak or is_strong or n_hops >= self._n_stays or is_forgiven:
            return False
        self._exceeded[name].append(Exceedance(self._hop, peak))
        return True

    def _judged(self) -> dict[str, float]:
        first = self._hop - round(_KEPT_S / self._hop_s)
        for kept in self._exceeded.values():
            while kept and kept[0].hop < first:
                kept.popleft()
        exceeded = {name: self.exceeded(name) for name in self._exceeded}
        return limits_within(self.per_day, self.usual, exceeded, self.heard_s)


class _Run:
    """Hops in which a score was above the usual threshold, until it was not for the hold-off."""

    def __init__(self, rules: EventRules) -> None:
        self._k, self._n = rules.k, rules.n
        self._recent: deque[tuple[int, float]] = deque(maxlen=rules.n)
        self._first, self._peak = 0, 0.0
        self.last = 0

    def take(self, value: float, hop: int, limit: float, *, by_one: bool) -> None:
        """Take a score that is above."""
        self._first, self.last = self._first or hop, hop
        self._recent.append((hop, value))
        near = sorted((one for at, one in self._recent if hop - at < self._n), reverse=True)
        if len(near) >= self._k:
            self._peak = max(self._peak, near[self._k - 1])
        if by_one and value > STRONG * limit:
            self._peak = max(self._peak, value / STRONG)

    def end(self) -> tuple[float, int]:
        """Return the score of the event that it was, 0 where it was none, and hops it lasted."""
        found = self._peak, self.last - self._first + 1
        self._recent.clear()
        self._first = self.last = 0
        self._peak = 0.0
        return found
