"""What a classifier is told of a cell's residual, hop by hop."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.hop_scorer import Place
from converter.lab.measures.hops.residual_hops import ResidualHops
from converter.lab.measures.hops.window_maxima import WindowMaxima
from edgespec.records import IqBlock

__all__ = ["RESIDUAL_WINDOWS", "ResidualFeatures"]

#: Lengths in slots, and widths in subbands.
RESIDUAL_WINDOWS = WindowMaxima((1, 2, 4, 8, 13, 24, 62), (1, 2, 4, 16))


class ResidualFeatures:
    """Deviations of the residual over windows of 1 to 62 slots and 1 to all subbands.

    ``(residual / expected - 1) / spread``, as the device's scan has it before its windows' own
    spreads. NaN without a cell and while the site is learnt.
    """

    columns: tuple[str, ...] = tuple(f"feature:residual-{name}" for name in RESIDUAL_WINDOWS.names)

    def __init__(self) -> None:
        self._hops = ResidualHops()
        self._before: NDArray[np.float64] | None = None

    def begin(self, place: Place) -> None:
        """Begin at another observer."""
        self._hops.begin(place)
        self._before = None

    def score(self, block: IqBlock) -> Sequence[float]:
        """Return the features of the hop."""
        self._hops.score(block)
        newest = self._hops.newest
        if newest is None or not len(newest.ratio):
            return (float("nan"),) * len(self.columns)
        deviation = (newest.ratio - 1.0) / max(newest.spread, 1e-6)
        line = deviation if self._before is None else np.concatenate([self._before, deviation])
        self._before = line[-RESIDUAL_WINDOWS.n_before :].copy()
        return RESIDUAL_WINDOWS.of(line, len(deviation))

    def snapshot(self) -> Any:
        """Return a copy of all that is known."""
        return self._hops.snapshot(), deepcopy(self._before)

    def restore(self, state: Any) -> None:
        """Go on from it."""
        hops, before = state
        self._hops.restore(hops)
        self._before = deepcopy(before)
