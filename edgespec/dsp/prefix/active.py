"""Which symbols of a radio frame carry the cell's reference signals: all, or those of a pattern."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.pilot_plan import N_ROWS
from edgespec.lte.numerology import SLOTS_PER_FRAME, SURE_SLOTS

__all__ = ["JOIN_SHARE", "LEAST_COHERENCE", "LEAVE_SHARE", "ActiveSymbols"]

#: With time division these are the cell's in every pattern besides the sure ones: the first symbol
#: of the special subframe (TS 36.211, tables 4.2-1 and 4.2-2).
_SPECIAL = 2
#: A symbol joins above the first share of the best coherence, and leaves below the second.
JOIN_SHARE, LEAVE_SHARE = 0.5, 0.3
#: With less at best there is no cell to learn from.
LEAST_COHERENCE = 0.15
#: Frames before the pattern is believed, and those that it ends up averaging.
_FIRST_FRAMES, _MOST_FRAMES = 5, 50


class ActiveSymbols:
    """Coherence of each of the 20 x 2 reference symbols of a frame, averaged over frames.

    Args:
        duplex: of the cell; with ``tdd`` only what is the cell's in every pattern is active at
            first.
        learn: takes a frame; :func:`edgespec.dsp.prefix.pilot_plain.learn_active`, or its compiled
            twin.

    Attributes:
        mask: bool ``(20, 2)``: symbols in which the cell is heard.
        is_frozen: nothing is learnt, as while an alarm is on.
    """

    def __init__(self, duplex: str, learn: Callable[..., bool]) -> None:
        self.mask: NDArray[np.bool_] = np.ones((SLOTS_PER_FRAME, N_ROWS), bool)
        if duplex == "tdd":
            self.mask[:] = False
            self.mask[list(SURE_SLOTS)] = True
            self.mask[_SPECIAL, 0] = True
        self.is_frozen = False
        self._learn = learn
        self._sums = np.zeros((SLOTS_PER_FRAME, N_ROWS, 3))
        self._coherence = np.zeros((SLOTS_PER_FRAME, N_ROWS))
        self._n_frames = 0

    @property
    def coherence(self) -> NDArray[np.float64]:
        """Modulus of the mean product over the mean power, ``(20, 2)``, 0 to 1."""
        return self._coherence

    def end_frame(self, totals: NDArray[np.float32]) -> None:
        """Take a whole frame's products and powers over the band, ``(20, 2, 3)``."""
        if self.is_frozen:
            return
        n_frames = min(self._n_frames + 1, _MOST_FRAMES)
        kept_share, is_believed = 1.0 - 1.0 / n_frames, n_frames >= _FIRST_FRAMES
        if self._learn(totals, kept_share, is_believed, self._sums, self._coherence, self.mask):
            self._n_frames = n_frames
