"""What normal signal came to: the largest score of every block that could have opened an event."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.rules import STRONG, EventRules
from edgespec.records import Score

__all__ = ["BLOCK_S", "EventPeaks", "block_s_of"]

#: Seconds of a block: the default hold-off, within which alarms are one event. Of hops that take
#: longer, such as sweeps, each is a block: what alarms twice within a hold-off then counts as two,
#: so that too little is promised rather than too much.
BLOCK_S = 0.5
_NOTHING = -np.inf


def block_s_of(hop_s: float, block_s: float = BLOCK_S) -> float:
    """Return the seconds of a block that is to have so many, where a hop takes so many."""
    return max(hop_s, block_s)


class EventPeaks:
    """Largest event-level score of each detector in each block of signal.

    An event opens when ``k`` of the last ``n`` scores are above the threshold: the ``k``-th largest
    of them is the threshold at which it just would not, and is taken as the score of the event that
    a hop could open. A detector that did not score a hop cannot alarm in it.

    Args:
        names: of the detectors.
        rules: their ``k`` and ``n``.
        hop_s: seconds from one hop to the next.
        block_s: seconds of a block, at least a hop.

    Attributes:
        block_s: seconds of a block.
    """

    def __init__(
        self, names: Sequence[str], rules: EventRules, hop_s: float, block_s: float = BLOCK_S
    ) -> None:
        self.names = tuple(names)
        self._made_of = rules, hop_s
        self._place = {name: place for place, name in enumerate(self.names)}
        self._last = np.full((rules.n, len(self.names)), _NOTHING)
        self._kth = rules.n - rules.k
        self._hop = 0
        self._hops_a_block = max(round(block_s / hop_s), 1)
        self.block_s = block_s_of(hop_s, block_s)
        self._best = np.full(len(self.names), _NOTHING)
        self._blocks: list[NDArray[np.float32]] = []

    def add(self, scores: Iterable[Score], *, by_one: bool) -> None:
        """Take the scores of a hop: those that could open an event.

        Args:
            scores: of the hop.
            by_one: whether a strong one opens an event alone.
        """
        row = self._last[self._hop % len(self._last)]
        row.fill(_NOTHING)
        for score in scores:
            row[self._place[score.detector]] = score.value
        np.maximum(self._best, np.sort(self._last, axis=0)[self._kth], out=self._best)
        if by_one:
            np.maximum(self._best, row / STRONG, out=self._best)
        self._hop += 1
        if self._hop % self._hops_a_block == 0:
            self._blocks.append(self._best.astype(np.float32))
            self._best.fill(_NOTHING)

    def hop_by_hop(self) -> "EventPeaks":
        """Return new peaks of the same detectors, with a block for each hop."""
        rules, hop_s = self._made_of
        return EventPeaks(self.names, rules, hop_s, block_s=hop_s)

    @property
    def n_blocks(self) -> int:
        """Blocks that are complete."""
        return len(self._blocks)

    def blocks(self) -> NDArray[np.float32]:
        """Return the maxima of the blocks that are complete, ``(n_blocks, n_detectors)``.

        ``-inf`` where a detector could not have opened anything.
        """
        if not self._blocks:
            return np.empty((0, len(self.names)), np.float32)
        return np.stack(self._blocks)
