"""The SS/PBCH block: where PSS, SSS and PBCH lie in four symbols (TS 38.211, sec. 7.4.3.1)."""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCK_PERIOD_S",
    "CASES",
    "N_BLOCK_SUBCARRIERS",
    "SYNC_SUBCARRIERS",
    "block_symbol",
    "broadcast_places",
    "reference_places",
    "usual_case",
]

#: A block is as wide as 20 resource blocks; its subcarriers count from its middle.
N_BLOCK_SUBCARRIERS = 240
_MIDDLE = N_BLOCK_SUBCARRIERS // 2
#: PSS in symbol 0 and SSS in symbol 2 have the subcarriers 56 to 182 of 0 to 239.
SYNC_SUBCARRIERS = np.arange(56, 183) - _MIDDLE
#: A terminal that looks for a cell expects its blocks this often (TS 38.213, sec. 4.1).
BLOCK_PERIOD_S = 0.02

#: First symbols of the blocks in a half frame, and symbols until they recur, by spacing
#: (TS 38.213, sec. 4.1: A; C and B). The usual one first: B of 30 kHz a few bands use.
CASES: dict[float, dict[str, tuple[tuple[int, ...], int]]] = {
    15e3: {"A": ((2, 8), 14)},
    30e3: {"C": ((2, 8), 14), "B": ((4, 8, 16, 20), 28)},
}


def usual_case(spacing_hz: float) -> str:
    """Return which case most bands with a spacing have."""
    return next(iter(CASES[spacing_hz]))


def block_symbol(spacing_hz: float, case: str, number: int) -> int:
    """Return which symbol of the half frame block ``number`` of it begins with."""
    first, period = CASES[spacing_hz][case]
    turns, place = divmod(number, len(first))
    return first[place] + turns * period


def reference_places(identity: int) -> tuple[NDArray[np.int64], ...]:
    """Return the reference elements of symbols 1, 2 and 3, subcarriers from the block's middle.

    Every fourth subcarrier of those of the PBCH: 60, 24 and 60 of them, in the order of
    :func:`edgespec.nr.sequences.broadcast_reference`.
    """
    return tuple(places[places % 4 == identity % 4] for places in broadcast_places())


def broadcast_places() -> tuple[NDArray[np.int64], ...]:
    """Return all elements of the PBCH in symbols 1, 2 and 3, subcarriers from the middle.

    In symbol 2 it has those to either side of the SSS.
    """
    whole = np.arange(-_MIDDLE, _MIDDLE)
    beside = whole[(whole < 48 - _MIDDLE) | (whole >= 192 - _MIDDLE)]
    return whole, beside, whole
