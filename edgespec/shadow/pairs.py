"""What two models say of the same segments: how their scores go together, and who exceeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

__all__ = ["DetectorPairs", "ScorePairs", "Scored"]

#: Of a segment: the score of each detector, and the threshold that it was compared with.
Scored = Mapping[str, tuple[float, float]]
#: Segments that may wait for what the other one says of them.
_MOST_WAITING = 4096


@dataclass(frozen=True, slots=True)
class DetectorPairs:
    """A detector on ``n`` segments that both scored.

    ``correlation`` is Pearson's of the scores; None where one of them is always the same.
    ``n_running``, ``n_candidate`` and ``n_both`` are the segments above the threshold of the one,
    of the other, and of each.
    """

    n: int
    correlation: float | None
    n_running: int
    n_candidate: int
    n_both: int


class _Sums:
    """Moments of two scores, updated one by one (Welford 1962), and how often they exceed."""

    def __init__(self) -> None:
        self.n = self.n_running = self.n_candidate = self.n_both = 0
        self._x = self._y = self._xx = self._yy = self._xy = 0.0

    def add(self, running: tuple[float, float], candidate: tuple[float, float]) -> None:
        (x, x_limit), (y, y_limit) = running, candidate
        self.n += 1
        self.n_running += x > x_limit
        self.n_candidate += y > y_limit
        self.n_both += x > x_limit and y > y_limit
        dx, dy = x - self._x, y - self._y
        self._x += dx / self.n
        self._y += dy / self.n
        self._xx += dx * (x - self._x)
        self._yy += dy * (y - self._y)
        self._xy += dx * (y - self._y)

    def told(self) -> DetectorPairs:
        """Return what they come to."""
        spread = sqrt(self._xx * self._yy)
        correlation = min(max(self._xy / spread, -1.0), 1.0) if spread > 0.0 else None
        return DetectorPairs(self.n, correlation, self.n_running, self.n_candidate, self.n_both)


class ScorePairs:
    """Pairs what two models say of a segment, whichever says it first.

    Segments that only one of them scores are left out; of those, 4,096 may wait.
    """

    def __init__(self) -> None:
        self._running: dict[int, Scored] = {}
        self._candidate: dict[int, Scored] = {}
        self._sums: dict[str, _Sums] = {}

    def running(self, segment: int, scored: Scored) -> None:
        """Take what the running model says of a segment, by its number."""
        other = self._candidate.pop(segment, None)
        if other is None:
            _wait(self._running, segment, scored)
        else:
            self._add(scored, other)

    def candidate(self, segment: int, scored: Scored) -> None:
        """Take what the candidate says of a segment, by its number."""
        other = self._running.pop(segment, None)
        if other is None:
            _wait(self._candidate, segment, scored)
        else:
            self._add(other, scored)

    def told(self) -> dict[str, DetectorPairs]:
        """Return what there is of each detector that both have."""
        return {name: sums.told() for name, sums in self._sums.items()}

    def _add(self, running: Scored, candidate: Scored) -> None:
        for name in running.keys() & candidate.keys():
            self._sums.setdefault(name, _Sums()).add(running[name], candidate[name])


def _wait(waiting: dict[int, Scored], segment: int, scored: Scored) -> None:
    waiting[segment] = scored
    if len(waiting) > _MOST_WAITING:
        del waiting[next(iter(waiting))]
