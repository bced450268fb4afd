"""Whether what is left of a cell is left by a neighbour in step, at an end of the windows."""

import numpy as np
from numpy.typing import NDArray

from edgespec.lte.numerology import SLOT_S

__all__ = ["WindowEnds"]

#: Part of the window that the prefixes of another cell may begin or end within. There is less in
#: the rest than in all of it by so large a part, five times what chance makes in a hop, and of what
#: is left beyond the expected no more than this.
_END_SHARE, _LEAST_MISSING, _MOST_OF_REST = 0.4, 0.2, 0.5
#: A neighbour is known where an end has so many times as much as the median place, in the mean of
#: 30 s; a single hop counts no more than this, and fewer than so many say nothing.
_KNOWN_RATIO, _MOST_RATIO, _KEPT_S, _LEAST_HOPS = 1.3, 4.0, 30.0, 30


class WindowEnds:
    """Knows which ends of the windows a neighbour reaches, and says whether he is what is left.

    Cells of a network that is in step begin their frames together. The prefixes of a neighbour
    come within those of the cell then, and what does not cancel of him is at the end of the windows
    where his are too early, at their begin where they are too late; see
    :class:`~edgespec.dsp.prefix.left_by_place.LeftByPlace`. A stranger, who knows nothing of them,
    leaves as much in the middle. Who is as near to them, and was not there before, is no neighbour.
    """

    def __init__(self) -> None:
        self._usual: NDArray[np.float64] = np.ones(0)
        self._n_hops = 0

    @property
    def is_anybody_known(self) -> bool:
        """Whether a neighbour reaches any end; else there is nothing to ask."""
        return any(self._known_ends())

    def learn(self, left: NDArray[np.float64], n_slots: int) -> None:
        """Take a hop without an alarm.

        Args:
            left: at each place of the windows, linear, ``(n_window,)``.
            n_slots: since the hop that was learnt before.
        """
        median = float(np.median(left))
        if not 0.0 < median < np.inf:
            return
        if len(self._usual) != len(left):
            self._usual, self._n_hops = np.ones(len(left)), 0
        self._n_hops += 1
        weight = max(1.0 / self._n_hops, min(n_slots * SLOT_S / _KEPT_S, 1.0))
        self._usual += weight * (np.minimum(left / median, _MOST_RATIO) - self._usual)

    def explain(self, left: NDArray[np.float64], expected: float) -> bool:
        """Return whether what is left beyond the expected is at ends that a neighbour reaches.

        Args:
            left: at each place of the windows, all subbands together, linear, ``(n_window,)``.
            expected: the mean of what is expected.
        """
        at_begin, at_end = self._known_ends()
        if not (at_begin or at_end) or len(left) != len(self._usual):
            return False
        n_end, mean = self._n_end, float(left.mean())
        parts = [left[n_end:]] * at_begin + [left[:-n_end]] * at_end
        if at_begin and at_end:
            parts.append(left[n_end // 2 : len(left) - n_end // 2])
        rest = min(float(part.mean()) for part in parts)
        is_uneven = mean - rest > _LEAST_MISSING * mean
        return is_uneven and rest - expected < _MOST_OF_REST * (mean - expected)

    @property
    def _n_end(self) -> int:
        return max(round(_END_SHARE * len(self._usual)), 1)

    def _known_ends(self) -> tuple[bool, bool]:
        """Return whether a neighbour reaches the begin of the windows, and whether the end."""
        if self._n_hops < _LEAST_HOPS:
            return False, False
        ends = self._usual[: self._n_end], self._usual[-self._n_end :]
        at_begin, at_end = (float(end.max()) > _KNOWN_RATIO for end in ends)
        return at_begin, at_end
