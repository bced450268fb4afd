"""The Fourier transform of many streams side by side: one stream in each SIMD lane.

``n_fft = A x B`` takes two passes (the four-step form, van Loan 1992, sec. 3.3). The first reads
samples and makes B transforms of A points, ``y[j, q] = sum_k x[k B + j] exp(-2j pi k q / A)``, each
turned by ``exp(-2j pi j q / n_fft)``; the second makes A transforms of B points over j and adds
``|X[r A + q]|^2`` to the sums. Two passes, not more, because 16 lanes of 1024 points are larger
than the first level of any cache.

Words are kept in items: one word of every lane, side by side. So each operation is a plain vector
operation. Rows of items that a butterfly reads together are one item apart more than a power of
two, or they would all fall into the same set of the cache.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.butterflies import dft8, dft16, dft32, power, turn
from edgespec.jit import apart, exact, scalar

__all__ = [
    "BLOCK",
    "LANES",
    "add_power",
    "apart_by",
    "plus",
    "radices",
    "steps",
    "twiddles",
]

#: 16 floats are one AVX-512 register, two of AVX2, four of NEON.
LANES = 16
#: Words that are taken from every lane at once: two lines of cache, and half of the shortest FFT.
BLOCK = 32

_TOP_16, _TOP_8 = np.int32(-(1 << 16)), np.int32(-(1 << 24))


def radices(n_fft: int) -> tuple[int, int]:
    """Return A and B, the number of points of the transforms of the first and the second pass."""
    a, _, _, b, _, _ = steps(n_fft)
    return a, b


def steps(n_fft: int) -> tuple[Any, ...]:
    """Return points, transform and writer of the first pass, then those of the second."""
    return _STEPS[n_fft]


def twiddles(n_fft: int) -> NDArray[np.complex64]:
    """Return the factors between the passes, ``exp(-2j pi j q / n_fft)`` at ``j A + q``."""
    a, b = radices(n_fft)
    turns = np.outer(np.arange(b), np.arange(a)).ravel() / n_fft
    factors: NDArray[np.complex64] = np.exp(-2j * np.pi * turns).astype(np.complex64)
    return factors


def apart_by(n_items: int) -> int:
    """Return how many items of a tile lie between points that are ``n_items`` words apart.

    One more, unless these are fewer than the words that are gathered at once.
    """
    return n_items + 1 if n_items % BLOCK == 0 else n_items


@exact
def plus(a, b):  # type: ignore[no-untyped-def]
    """Return ``a + b``, rounded, whatever the compiler could do with what comes before or next."""
    return a + b


# What a butterfly reads and writes, point by point: i is the item, k counts factors.


@scalar
def _float(source, i, k):  # type: ignore[no-untyped-def]
    items, window = source
    return complex(items[i] * window[k], items[i + LANES] * window[k])


@scalar
def _fields(source, i, k):  # type: ignore[no-untyped-def]
    words, window, offset, flip, left_i, left_q, mask = source
    word = words[i] ^ flip
    # A field shifted to the top is the signed value times a power of two, which the window undoes.
    real = np.float32(np.int32(np.int32(word << left_i) & mask))
    imag = np.float32(np.int32(np.int32(word << left_q) & mask))
    return complex(real * window[k] + offset[k], imag * window[k] + offset[k])


@scalar
def _pair(source, i, k):  # type: ignore[no-untyped-def]
    real, imag = source
    return complex(real[i], imag[i])


@scalar
def _turned(target, i, k, y):  # type: ignore[no-untyped-def]
    real, imag, factors = target
    z = turn(y, factors[k].real, factors[k].imag)
    real[i] = z.real
    imag[i] = z.imag


@scalar
def _power(sums, i, k, y):  # type: ignore[no-untyped-def]
    sums[i] = plus(sums[i], power(y))


# The same for all results of a butterfly, which are a step apart.


@scalar
def _write4(write, target, i, step, k, y):  # type: ignore[no-untyped-def]
    write(target, i, k, y[0])
    write(target, i + step, k + 1, y[1])
    write(target, i + 2 * step, k + 2, y[2])
    write(target, i + 3 * step, k + 3, y[3])


@scalar
def _write8(write, target, i, step, k, y):  # type: ignore[no-untyped-def]
    _write4(write, target, i, step, k, y[:4])
    _write4(write, target, i + 4 * step, step, k + 4, y[4:])


@scalar
def _write16(write, target, i, step, k, y):  # type: ignore[no-untyped-def]
    _write8(write, target, i, step, k, y[:8])
    _write8(write, target, i + 8 * step, step, k + 8, y[8:])


@scalar
def _write32(write, target, i, step, k, y):  # type: ignore[no-untyped-def]
    _write16(write, target, i, step, k, y[:16])
    _write16(write, target, i + 16 * step, step, k + 16, y[16:])


# The passes. a and b are constants of the caller.


@apart
def _first_floats(  # type: ignore[no-untyped-def]
    dft, write, a, b, column, items, window, factors, real, imag
):
    row, step = (a + 1) * LANES, column * LANES
    for j in range(b):
        for lane in range(LANES):
            y = dft(_float, (items, window), 2 * j * LANES + lane, step, j * a, 1)
            write(_turned, (real, imag, factors), j * row + lane, LANES, j * a, y)


@apart
def _first_fields(  # type: ignore[no-untyped-def]
    dft, write, a, b, column, n_fields, words, window, offset, flip, factors, real, imag
):
    row, step = (a + 1) * LANES, column * LANES
    mask = _TOP_16 if n_fields == 1 else _TOP_8
    for j in range(b):
        word, field = j // n_fields, j % n_fields
        # LLVM shifts vectors of 32 bits only where it sees that the distance is below 32.
        left_i = np.int32((16 if n_fields == 1 else 24 - 16 * field) & 31)
        left_q = np.int32((0 if n_fields == 1 else 16 - 16 * field) & 31)
        for lane in range(LANES):
            source = words, window, offset, flip, left_i, left_q, mask
            y = dft(_fields, source, word * LANES + lane, step, j * a, 1)
            write(_turned, (real, imag, factors), j * row + lane, LANES, j * a, y)


@apart
def _second(dft, write, a, real, imag, sums):  # type: ignore[no-untyped-def]
    row = (a + 1) * LANES
    for i in range(a * LANES):
        write(_power, sums, i, row, 0, dft(_pair, (real, imag), i, row, 0, 0))


@scalar
def add_power(  # type: ignore[no-untyped-def]
    step, tile, floats, column, n_fields, window, offset, flip, factors, real, imag, sums
):
    """Transform one FFT of every lane and add ``|X|^2`` to the sums.

    Args:
        step: constant, what :func:`steps` returns.
        tile: int32, what :func:`edgespec.dsp.lanes.gather` wrote.
        floats: the same memory as float32.
        column: constant, items between points that are B points apart.
        n_fields: constant, complex samples in a word; 0 where a sample is two words.
        window: float32, at ``j A + q`` the factor of point ``q B + j``.
        offset: float32, in the same order, what is added to windowed integers.
        flip: int32, turns a word into two's complement.
        factors: what :func:`twiddles` returns.
        real: float32, scratch: B rows of A + 1 items.
        imag: the same.
        sums: the same; bin ``r A + q`` is item q of row r.
    """
    a, dft_a, write_a, b, dft_b, write_b = step
    if n_fields == 0:
        _first_floats(dft_a, write_a, a, b, column, floats, window, factors, real, imag)
    else:
        _first_fields(
            dft_a, write_a, a, b, column,
            n_fields, tile, window, offset, flip, factors, real, imag,
        )  # fmt: skip
    _second(dft_b, write_b, a, real, imag, sums)


_EIGHT, _SIXTEEN, _THIRTY_TWO = (8, dft8, _write8), (16, dft16, _write16), (32, dft32, _write32)
_STEPS = {
    64: _EIGHT + _EIGHT,
    128: _EIGHT + _SIXTEEN,
    256: _SIXTEEN + _SIXTEEN,
    512: _SIXTEEN + _THIRTY_TWO,
    1024: _THIRTY_TWO + _THIRTY_TWO,
}
