"""Who sends when: a cell all the time, or in turns with its users (TS 36.211, sec. 4.2)."""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import TddConfig
from edgespec.simulate.numerology import N_SYMBOLS, SUBFRAMES_PER_FRAME

__all__ = ["downlink_symbols", "special_subframes", "uplink_subframes"]

#: Table 4.2-2: downlink, special and uplink subframes of configurations 0 to 6.
_PATTERNS = (
    "DSUUUDSUUU",
    "DSUUDDSUUD",
    "DSUDDDSUDD",
    "DSUUUDDDDD",
    "DSUUDDDDDD",
    "DSUDDDDDDD",
    "DSUUUDSUUD",
)
#: Table 4.2-1: downlink symbols of a special subframe, configurations 0 to 9, normal prefixes.
_SPECIAL_SYMBOLS = (3, 9, 10, 11, 12, 3, 9, 10, 11, 6)


def downlink_symbols(tdd: TddConfig | None) -> NDArray[np.bool_]:
    """Return where the cell may send, bool ``(10, 14)``: everywhere without time division."""
    sent = np.ones((SUBFRAMES_PER_FRAME, N_SYMBOLS), bool)
    if tdd is not None:
        sent[list(uplink_subframes(tdd))] = False
        sent[list(special_subframes(tdd)), _SPECIAL_SYMBOLS[tdd.special] :] = False
    return sent


def uplink_subframes(tdd: TddConfig | None) -> tuple[int, ...]:
    """Return the subframes of the users: all without time division."""
    if tdd is None:
        return tuple(range(SUBFRAMES_PER_FRAME))
    return _of_kind("U", tdd)


def special_subframes(tdd: TddConfig) -> tuple[int, ...]:
    """Return the subframes of downlink pilots, a gap, and uplink pilots in the last symbols."""
    return _of_kind("S", tdd)


def _of_kind(kind: str, tdd: TddConfig) -> tuple[int, ...]:
    return tuple(i for i, letter in enumerate(_PATTERNS[tdd.pattern]) if letter == kind)
