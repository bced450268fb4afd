"""What a cell sends in a frame, and what of it does not depend on its users."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.simulate.config import TddConfig
from edgespec.simulate.duplex import downlink_symbols
from edgespec.simulate.numerology import N_RBG, SUBFRAMES_PER_FRAME

__all__ = [
    "HARQ_SUBFRAMES",
    "PAGING_RATE",
    "PAGING_RBG",
    "RETRANSMIT",
    "SIB1_RBGS",
    "FrameSchedule",
    "Turns",
]

#: Share of transmissions that fail and come again 8 subframes later.
RETRANSMIT = 0.1
HARQ_SUBFRAMES = 8
SIB1_RBGS = (5, 6)
PAGING_RBG = 2
PAGING_RATE = 0.3
_PAGING_SUBFRAME = 9
#: With time division: subframe 9 may belong to the users, and the primary synchronisation takes
#: the third symbol of subframes 1 and 6.
_PAGING_SUBFRAME_TDD = 0
_SHORT_CONTROL_TDD = (1, 6)


@dataclass(frozen=True, slots=True)
class FrameSchedule:
    """What the cell sends in the ten subframes of one frame.

    ``modulation`` uint8 ``(10, 13)``: 0 nothing, 1 QPSK, 2 16QAM, 3 64QAM in each group;
    ``amplitude`` float32 ``(10, 13)``; ``n_control`` uint8 ``(10,)`` control symbols and
    ``control_load`` float32 ``(10,)``, the share of them in use.
    """

    modulation: NDArray[np.uint8]
    amplitude: FloatArray
    n_control: NDArray[np.uint8]
    control_load: FloatArray

    @classmethod
    def empty(cls) -> "FrameSchedule":
        """Return a frame in which nothing is sent."""
        n = SUBFRAMES_PER_FRAME
        return cls(
            modulation=np.zeros((n, N_RBG), np.uint8),
            amplitude=np.ones((n, N_RBG), np.float32),
            n_control=np.ones(n, np.uint8),
            control_load=np.zeros(n, np.float32),
        )


@dataclass(frozen=True, slots=True)
class Turns:
    """Subframes of a frame: those of the cell, its most control symbols, and which has paging."""

    is_downlink: tuple[bool, ...]
    control_most: tuple[int, ...]
    paging_subframe: int

    @classmethod
    def of(cls, tdd: TddConfig | None) -> "Turns":
        """Return those with and without time division."""
        most = [3] * SUBFRAMES_PER_FRAME
        for subframe in _SHORT_CONTROL_TDD if tdd is not None else ():
            most[subframe] = 2
        paging = _PAGING_SUBFRAME if tdd is None else _PAGING_SUBFRAME_TDD
        return cls(tuple(downlink_symbols(tdd)[:, 0].tolist()), tuple(most), paging)
