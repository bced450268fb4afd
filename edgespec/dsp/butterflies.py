"""Discrete Fourier transforms of 4, 8 and 16 points in straight-line code.

``X[q] = sum_p x[p] exp(-2j pi p q / r)``, split into even and odd points as long as it goes
(Cooley and Tukey 1965). Arguments and results are complex numbers in natural order; inside a loop
over lanes the compiler turns each of them into two vector registers.
"""

import math

import numpy as np

from edgespec.dsp.jit import scalar

__all__ = ["dft4", "dft8", "dft16", "power", "turn"]

_HALF = np.float32(math.sqrt(0.5))
_COS = np.float32(math.cos(math.pi / 8))
_SIN = np.float32(math.sin(math.pi / 8))


@scalar
def power(a):  # type: ignore[no-untyped-def]
    """Return ``|a|^2``."""
    return a.real * a.real + a.imag * a.imag


@scalar
def turn(a, cos, sin):  # type: ignore[no-untyped-def]
    """Return ``a * (cos + 1j * sin)``."""
    return complex(a.real * cos - a.imag * sin, a.real * sin + a.imag * cos)


@scalar
def _turn_90(a):  # type: ignore[no-untyped-def]
    return complex(a.imag, -a.real)


@scalar
def _turn_45(a):  # type: ignore[no-untyped-def]
    return complex(_HALF * (a.real + a.imag), _HALF * (a.imag - a.real))


@scalar
def _turn_135(a):  # type: ignore[no-untyped-def]
    return complex(_HALF * (a.imag - a.real), -_HALF * (a.real + a.imag))


@scalar
def dft4(a, b, c, d):  # type: ignore[no-untyped-def]
    """Return the transform of 4 points."""
    s, t = a + c, a - c
    u, v = b + d, _turn_90(b - d)
    return s + u, t + v, s - u, t - v


@scalar
def dft8(a, b, c, d, e, f, g, h):  # type: ignore[no-untyped-def]
    """Return the transform of 8 points."""
    p, q, r, s = dft4(a, c, e, g)
    t, u, v, w = dft4(b, d, f, h)
    u, v, w = _turn_45(u), _turn_90(v), _turn_135(w)
    return p + t, q + u, r + v, s + w, p - t, q - u, r - v, s - w


@scalar
def dft16(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15):  # type: ignore[no-untyped-def]
    """Return the transform of 16 points."""
    p0, p1, p2, p3, p4, p5, p6, p7 = dft8(a0, a2, a4, a6, a8, a10, a12, a14)
    q0, q1, q2, q3, q4, q5, q6, q7 = dft8(a1, a3, a5, a7, a9, a11, a13, a15)
    q1, q2, q3 = turn(q1, _COS, -_SIN), _turn_45(q2), turn(q3, _SIN, -_COS)
    q4, q5 = _turn_90(q4), turn(q5, -_SIN, -_COS)
    q6, q7 = _turn_135(q6), turn(q7, -_COS, -_SIN)
    return (
        p0 + q0, p1 + q1, p2 + q2, p3 + q3, p4 + q4, p5 + q5, p6 + q6, p7 + q7,
        p0 - q0, p1 - q1, p2 - q2, p3 - q3, p4 - q4, p5 - q5, p6 - q6, p7 - q7,
    )  # fmt: skip
