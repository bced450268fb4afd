"""Sequences that make an NR cell recognisable: PSS, SSS, and the reference symbols of its PBCH."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from edgespec.lte.sequences import gold_bits, m_sequence, qpsk

__all__ = [
    "N_IDENTITIES",
    "broadcast_reference",
    "broadcast_references",
    "primary_sync",
    "secondary_sync",
]

N_IDENTITIES = 1008
#: Reference symbols of one block of synchronisation signals.
_N_REFERENCE = 144


def primary_sync(identity: int) -> NDArray[np.float32]:
    """Return the PSS of a cell, float32 ``(127,)``, 1 and -1 (TS 38.211, sec. 7.4.2.2.1)."""
    sequence = _signs((0, 1, 1, 0, 1, 1, 1), tap=4)
    return np.roll(sequence, -43 * (identity % 3))


def secondary_sync(identity: int) -> NDArray[np.float32]:
    """Return the SSS of a cell, float32 ``(127,)``, 1 and -1 (TS 38.211, sec. 7.4.2.3.1)."""
    group, sector = divmod(identity, 3)
    first = _signs((1, 0, 0, 0, 0, 0, 0), tap=4)
    second = _signs((1, 0, 0, 0, 0, 0, 0), tap=1)
    out: NDArray[np.float32] = np.roll(first, -(15 * (group // 112) + 5 * sector))
    out *= np.roll(second, -(group % 112))
    return out


def broadcast_reference(identity: int, number: int) -> NDArray[np.complex64]:
    """Return the reference symbols of the PBCH, complex64 ``(144,)`` (TS 38.211, sec. 7.4.1.4.1).

    ``number``, 0 to 7, is that of the block in its half frame; where a half frame has four blocks
    at most, 4 is added in the second half of a frame.
    """
    values: NDArray[np.complex64] = broadcast_references(np.array([identity]), np.array([number]))[
        0
    ]
    return values


def broadcast_references(
    identities: NDArray[np.int64], numbers: NDArray[np.int64]
) -> NDArray[np.complex64]:
    """Return :func:`broadcast_reference` of some at once, complex64 ``(n, 144)``."""
    seeds: NDArray[np.int64] = (numbers + 1) * (
        2**11 * (identities // 4 + 1) + 2**6
    ) + identities % 4
    return qpsk(gold_bits(seeds, 2 * _N_REFERENCE))


@cache
def _signs(start: tuple[int, ...], tap: int) -> NDArray[np.float32]:
    """Return 127 signs of ``x(i + 7) = x(i + tap) + x(i)`` modulo 2, float32; not to be changed."""
    return m_sequence(start, (tap, 0)).astype(np.float32)
