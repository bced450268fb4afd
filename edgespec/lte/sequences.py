"""Sequences that make a cell recognisable: pseudo-random bits, PSS, SSS, reference symbols."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgespec.lte.numerology import SLOTS_PER_FRAME, reference_symbols

__all__ = [
    "cell_reference",
    "gold_bits",
    "m_sequence",
    "primary_sync",
    "qpsk",
    "reference_subcarriers",
    "secondary_sync",
]

N_SYNC = 62
_GOLD_SKIP = 1600
_N_REGISTER = 31
#: Resource blocks of the largest bandwidth: a smaller cell has the middle of its sequence.
_N_BLOCKS_MOST = 110
_PSS_ROOT = (25, 29, 34)


def gold_bits(c_init: NDArray[np.int64], n_bits: int) -> NDArray[np.uint8]:
    """Return the length-31 Gold sequences of several seeds (TS 36.211, sec. 7.2).

    uint8 ``(n_seeds, n_bits)``. The registers are linear: a seed's sequence is the sum of those of
    its bits.
    """
    of_ones, of_bits = _registers(n_bits)
    seeds = ((c_init[:, None] >> np.arange(_N_REGISTER)) & 1).astype(np.uint8)
    sums = np.asarray(seeds @ of_bits, np.uint8)
    bits: NDArray[np.uint8] = (sums & np.uint8(1)) ^ of_ones
    return bits


@lru_cache(maxsize=16)
def _registers(n_bits: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the first register's bits and the second's for each bit of a seed alone.

    uint8 ``(n_bits,)`` and ``(31, n_bits)``.
    """
    n_total = _GOLD_SKIP + n_bits
    x1 = np.zeros(n_total + _N_REGISTER, np.uint8)
    x2 = np.zeros((_N_REGISTER, n_total + _N_REGISTER), np.uint8)
    x1[0] = 1
    x2[:, :_N_REGISTER] = np.eye(_N_REGISTER, dtype=np.uint8)
    # A bit follows from those 28 to 31 places before it, so 28 are made at once.
    for first in range(0, n_total, 28):
        n = np.arange(first, min(first + 28, n_total))
        x1[n + 31] = x1[n + 3] ^ x1[n]
        x2[:, n + 31] = x2[:, n + 3] ^ x2[:, n + 2] ^ x2[:, n + 1] ^ x2[:, n]
    return x1[_GOLD_SKIP:n_total], x2[:, _GOLD_SKIP:n_total].copy()


def qpsk(bits: NDArray[np.uint8]) -> NDArray[np.complex64]:
    """Return the symbols of pairs of bits along the last axis, of power 1 (TS 36.211, 7.1.2)."""
    signs = (1.0 - 2.0 * bits).reshape(*bits.shape[:-1], -1, 2)
    return np.asarray((signs[..., 0] + 1j * signs[..., 1]) / np.sqrt(2), np.complex64)


def m_sequence(start: tuple[int, ...], taps: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the signs of ``x(i + n) = sum x(i + tap)`` modulo 2, float64 ``(2^n - 1,)``.

    ``start`` are the first n bits.
    """
    bits, n = list(start), len(start)
    for i in range(2**n - 1 - n):
        bits.append(sum(bits[i + tap] for tap in taps) % 2)
    return 1.0 - 2.0 * np.array(bits)


def cell_reference(pci: int, n_blocks: int, prefix: str = "normal") -> NDArray[np.complex64]:
    """Return the reference symbols of a cell, complex64 ``(20 slots, 2, 2 * n_blocks)``.

    The second axis is the first symbol of the slot and the third last, the third the reference
    elements from the lowest frequency up (TS 36.211, sec. 6.10.1.1).
    """
    slot, symbol = np.meshgrid(np.arange(SLOTS_PER_FRAME), reference_symbols(prefix), indexing="ij")
    c_init = 2**10 * (7 * (slot + 1) + symbol + 1) * (2 * pci + 1) + 2 * pci
    c_init += prefix == "normal"
    first, last = _N_BLOCKS_MOST - n_blocks, _N_BLOCKS_MOST + n_blocks
    bits = gold_bits(c_init.ravel().astype(np.int64), 2 * last)[:, 2 * first :]
    return qpsk(bits).reshape(SLOTS_PER_FRAME, 2, 2 * n_blocks)


def reference_subcarriers(pci: int, n_blocks: int, port: int = 0) -> NDArray[np.int64]:
    """Return where a port's reference elements lie, int64 ``(2, 2 * n_blocks)``.

    In subcarriers from the carrier, at which there is none; the axes are those of
    :func:`cell_reference`, for ports 0 and 1 (TS 36.211, sec. 6.10.1.2).
    """
    shift = (3 * ((np.arange(2)[:, None] + port) % 2) + pci) % 6
    place = 6 * np.arange(2 * n_blocks) + shift - 6 * n_blocks
    return place + (place >= 0)


def primary_sync(pci: int) -> NDArray[np.complex64]:
    """Return the PSS, complex64 ``(62,)``: a Zadoff-Chu sequence without its middle."""
    n = np.arange(63)
    phase = -np.pi * _PSS_ROOT[pci % 3] * n * (n + 1) / 63
    return np.delete(np.exp(1j * phase), 31).astype(np.complex64)


def secondary_sync(pci: int) -> NDArray[np.complex64]:
    """Return the SSS of subframes 0 and 5, complex64 ``(2, 62)`` (TS 36.211, sec. 6.11.2)."""
    identity, sector = divmod(pci, 3)
    q_prime = identity // 30
    q = (identity + q_prime * (q_prime + 1) // 2) // 30
    m_prime = identity + q * (q + 1) // 2
    m0 = m_prime % 31
    m1 = (m0 + m_prime // 31 + 1) % 31
    n = np.arange(31)
    start = (0, 0, 0, 0, 1)
    base, scramble, mix = (m_sequence(start, taps) for taps in ((2, 0), (3, 0), (4, 2, 1, 0)))
    c0, c1 = scramble[(n + sector) % 31], scramble[(n + sector + 3) % 31]
    out = np.zeros((2, N_SYNC), np.complex64)
    for half, (a, b) in enumerate(((m0, m1), (m1, m0))):
        out[half, 0::2] = base[(n + a) % 31] * c0
        out[half, 1::2] = base[(n + b) % 31] * c1 * mix[(n + a % 8) % 31]
    return out
