"""What users of an uplink send: points of data, and reference, sounding and control sequences."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.numerology import N_SUBCARRIERS

__all__ = ["N_SHIFTS", "QAM16", "QPSK", "SOUNDING", "control_sequence", "reference", "zadoff_chu"]

ComplexArray = NDArray[np.complex64]

#: Subcarriers of sounding; each user has every second one of them.
SOUNDING = slice(6, N_SUBCARRIERS - 6, 2)
QPSK = np.array([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], np.complex64) / np.float32(np.sqrt(2))
_LEVELS = np.array([-3, -1, 1, 3], np.float32) / np.float32(np.sqrt(10))
QAM16 = (_LEVELS[:, None] + 1j * _LEVELS).ravel().astype(np.complex64)
#: Users of control with one sequence, told apart by how it turns.
N_SHIFTS = 12
_N_ROOTS = 29


def reference(n: int, user: int) -> ComplexArray:
    """Return the ``n`` values of a user's reference and sounding symbols, of modulus 1."""
    return zadoff_chu(n, 1 + user % _N_ROOTS)


@lru_cache(maxsize=1024)
def zadoff_chu(n: int, root: int) -> ComplexArray:
    """Return ``n`` values of modulus 1: the longest prime Zadoff-Chu sequence, continued."""
    prime = next(p for p in range(n, 1, -1) if all(p % d for d in range(2, int(p**0.5) + 1)))
    k = np.arange(n) % prime
    values = np.exp(-1j * np.pi * (1 + root % (prime - 1)) * k * (k + 1) / prime)
    out: ComplexArray = values.astype(np.complex64)
    return out


@lru_cache(maxsize=N_SHIFTS)
def control_sequence(shift: int) -> ComplexArray:
    """Return 12 values of modulus 1 that are orthogonal to those of another shift, 0 to 11."""
    turn = np.exp(2j * np.pi * shift / N_SHIFTS * np.arange(N_SHIFTS)).astype(np.complex64)
    values: ComplexArray = zadoff_chu(N_SHIFTS, 1) * turn
    return values
