"""The Fourier transform of many frames side by side: one frame in each SIMD lane.

The Stockham form (van Loan 1992, sec. 1.7) needs no bit reversal: passes of radix 8 go back and
forth between two halves of a workspace, and the last pass adds ``|X|^2`` to a row of sums. Point
``p`` of lane ``b`` lies at ``p * LANES + b``, so every operation is a plain vector operation. All
rows are parts of one array at offsets known at compile time: that is how LLVM sees that they do
not overlap, without which it does not vectorise.
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.butterflies import dft4, dft8, dft16, power, turn
from edgespec.dsp.jit import inlined, scalar

__all__ = [
    "LANES",
    "add_power_64",
    "add_power_128",
    "add_power_256",
    "add_power_512",
    "add_power_1024",
    "radices",
    "twiddles",
]

#: 16 floats are one AVX-512 register, two of AVX2, four of NEON.
LANES = 16


def radices(n_fft: int) -> tuple[int, ...]:
    """Return the radix of every pass: eights, then the 4, 8 or 16 that remain."""
    remaining, plan = n_fft, []
    while remaining > 16:
        plan.append(8)
        remaining //= 8
    return (*plan, remaining)


def twiddles(n_fft: int) -> NDArray[np.complex64]:
    """Return the factors between the passes: ``exp(-2j pi j q / (8 m))``, j = 0..m-1, q = 1..7."""
    factors, done = [np.zeros(0, np.complex128)], 1
    for _ in radices(n_fft)[:-1]:
        m = n_fft // (8 * done)
        factors.append(np.exp(-2j * np.pi / (8 * m) * np.outer(range(m), range(1, 8))).ravel())
        done *= 8
    return np.concatenate(factors).astype(np.complex64)


@scalar
def _get(work, i, row):  # type: ignore[no-untyped-def]
    return complex(work[i], work[i + row])


@scalar
def _put(work, i, row, value):  # type: ignore[no-untyped-def]
    work[i] = value.real
    work[i + row] = value.imag


@scalar
def _put_turned(work, i, row, value, factor):  # type: ignore[no-untyped-def]
    _put(work, i, row, turn(value, factor.real, factor.imag))


@inlined
def _pass_8(work, x, y, row, factors, t, done, m):  # type: ignore[no-untyped-def]
    d = done * LANES
    s = m * d
    for j in range(m):
        f = t + 7 * j
        f1, f2, f3, f4 = factors[f], factors[f + 1], factors[f + 2], factors[f + 3]
        f5, f6, f7 = factors[f + 4], factors[f + 5], factors[f + 6]
        for k in range(d):
            i = x + j * d + k
            y0, y1, y2, y3, y4, y5, y6, y7 = dft8(
                _get(work, i, row),
                _get(work, i + s, row),
                _get(work, i + 2 * s, row),
                _get(work, i + 3 * s, row),
                _get(work, i + 4 * s, row),
                _get(work, i + 5 * s, row),
                _get(work, i + 6 * s, row),
                _get(work, i + 7 * s, row),
            )
            o = y + 8 * j * d + k
            _put(work, o, row, y0)
            _put_turned(work, o + d, row, y1, f1)
            _put_turned(work, o + 2 * d, row, y2, f2)
            _put_turned(work, o + 3 * d, row, y3, f3)
            _put_turned(work, o + 4 * d, row, y4, f4)
            _put_turned(work, o + 5 * d, row, y5, f5)
            _put_turned(work, o + 6 * d, row, y6, f6)
            _put_turned(work, o + 7 * d, row, y7, f7)


@inlined
def _last_4(work, x, row, sums, s):  # type: ignore[no-untyped-def]
    for k in range(s):
        i, o = x + k, sums + k
        y0, y1, y2, y3 = dft4(
            _get(work, i, row),
            _get(work, i + s, row),
            _get(work, i + 2 * s, row),
            _get(work, i + 3 * s, row),
        )
        work[o] += power(y0)
        work[o + s] += power(y1)
        work[o + 2 * s] += power(y2)
        work[o + 3 * s] += power(y3)


@inlined
def _last_8(work, x, row, sums, s):  # type: ignore[no-untyped-def]
    for k in range(s):
        i, o = x + k, sums + k
        y0, y1, y2, y3, y4, y5, y6, y7 = dft8(
            _get(work, i, row),
            _get(work, i + s, row),
            _get(work, i + 2 * s, row),
            _get(work, i + 3 * s, row),
            _get(work, i + 4 * s, row),
            _get(work, i + 5 * s, row),
            _get(work, i + 6 * s, row),
            _get(work, i + 7 * s, row),
        )
        work[o] += power(y0)
        work[o + s] += power(y1)
        work[o + 2 * s] += power(y2)
        work[o + 3 * s] += power(y3)
        work[o + 4 * s] += power(y4)
        work[o + 5 * s] += power(y5)
        work[o + 6 * s] += power(y6)
        work[o + 7 * s] += power(y7)


@inlined
def _last_16(work, x, row, sums, s):  # type: ignore[no-untyped-def]
    for k in range(s):
        i, o = x + k, sums + k
        y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15 = dft16(
            _get(work, i, row),
            _get(work, i + s, row),
            _get(work, i + 2 * s, row),
            _get(work, i + 3 * s, row),
            _get(work, i + 4 * s, row),
            _get(work, i + 5 * s, row),
            _get(work, i + 6 * s, row),
            _get(work, i + 7 * s, row),
            _get(work, i + 8 * s, row),
            _get(work, i + 9 * s, row),
            _get(work, i + 10 * s, row),
            _get(work, i + 11 * s, row),
            _get(work, i + 12 * s, row),
            _get(work, i + 13 * s, row),
            _get(work, i + 14 * s, row),
            _get(work, i + 15 * s, row),
        )
        work[o] += power(y0)
        work[o + s] += power(y1)
        work[o + 2 * s] += power(y2)
        work[o + 3 * s] += power(y3)
        work[o + 4 * s] += power(y4)
        work[o + 5 * s] += power(y5)
        work[o + 6 * s] += power(y6)
        work[o + 7 * s] += power(y7)
        work[o + 8 * s] += power(y8)
        work[o + 9 * s] += power(y9)
        work[o + 10 * s] += power(y10)
        work[o + 11 * s] += power(y11)
        work[o + 12 * s] += power(y12)
        work[o + 13 * s] += power(y13)
        work[o + 14 * s] += power(y14)
        work[o + 15 * s] += power(y15)


@inlined
def add_power_64(work, row, factors):  # type: ignore[no-untyped-def]
    """Transform rows 0 and 1 of ``work`` (real, imaginary) and add ``|X|^2`` to row 4.

    ``work`` float32 has 5 rows of ``row`` elements; rows 2 and 3 are scratch. ``factors`` are those
    of :func:`twiddles`; ``row`` is a constant of the caller. The sizes below work alike.
    """
    _pass_8(work, 0, 2 * row, row, factors, 0, 1, 8)
    _last_8(work, 2 * row, row, 4 * row, 8 * LANES)


@inlined
def add_power_128(work, row, factors):  # type: ignore[no-untyped-def]
    """128 = 8 x 16."""
    _pass_8(work, 0, 2 * row, row, factors, 0, 1, 16)
    _last_16(work, 2 * row, row, 4 * row, 8 * LANES)


@inlined
def add_power_256(work, row, factors):  # type: ignore[no-untyped-def]
    """256 = 8 x 8 x 4."""
    _pass_8(work, 0, 2 * row, row, factors, 0, 1, 32)
    _pass_8(work, 2 * row, 0, row, factors, 224, 8, 4)
    _last_4(work, 0, row, 4 * row, 64 * LANES)


@inlined
def add_power_512(work, row, factors):  # type: ignore[no-untyped-def]
    """512 = 8 x 8 x 8."""
    _pass_8(work, 0, 2 * row, row, factors, 0, 1, 64)
    _pass_8(work, 2 * row, 0, row, factors, 448, 8, 8)
    _last_8(work, 0, row, 4 * row, 64 * LANES)


@inlined
def add_power_1024(work, row, factors):  # type: ignore[no-untyped-def]
    """1024 = 8 x 8 x 16."""
    _pass_8(work, 0, 2 * row, row, factors, 0, 1, 128)
    _pass_8(work, 2 * row, 0, row, factors, 896, 8, 16)
    _last_16(work, 0, row, 4 * row, 64 * LANES)
