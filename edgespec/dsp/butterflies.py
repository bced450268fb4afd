"""Discrete Fourier transforms of 4, 8, 16 and 32 points in straight-line code.

``X[q] = sum_p x[p] exp(-2j pi p q / r)``, split into even and odd points as long as it goes
(Cooley and Tukey 1965). A transform reads its points when it needs them, ``read(source, i, k)``,
where i and k are two indices that advance by a step from point to point: with all points in
registers from the beginning there would be none left to compute in. It returns a tuple of complex
numbers in natural order. Inside a loop over lanes the compiler turns each number into two vector
registers.
"""

import math

import numpy as np

from edgespec.jit import scalar

__all__ = ["dft4", "dft8", "dft16", "dft32", "power", "turn"]

_HALF = np.float32(math.sqrt(0.5))
_C8, _S8 = (np.float32(f(math.pi / 8)) for f in (math.cos, math.sin))
_C16, _S16 = (np.float32(f(math.pi / 16)) for f in (math.cos, math.sin))
_C316, _S316 = (np.float32(f(3 * math.pi / 16)) for f in (math.cos, math.sin))


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
def _add4(p, q):  # type: ignore[no-untyped-def]
    return p[0] + q[0], p[1] + q[1], p[2] + q[2], p[3] + q[3]


@scalar
def _sub4(p, q):  # type: ignore[no-untyped-def]
    return p[0] - q[0], p[1] - q[1], p[2] - q[2], p[3] - q[3]


@scalar
def _add8(p, q):  # type: ignore[no-untyped-def]
    return _add4(p[:4], q[:4]) + _add4(p[4:], q[4:])


@scalar
def _sub8(p, q):  # type: ignore[no-untyped-def]
    return _sub4(p[:4], q[:4]) + _sub4(p[4:], q[4:])


@scalar
def dft4(read, source, i, i_step, k, k_step):  # type: ignore[no-untyped-def]
    """Return the transform of 4 points."""
    a, c = read(source, i, k), read(source, i + 2 * i_step, k + 2 * k_step)
    s, t = a + c, a - c
    b, d = read(source, i + i_step, k + k_step), read(source, i + 3 * i_step, k + 3 * k_step)
    u, v = b + d, _turn_90(b - d)
    return s + u, t + v, s - u, t - v


@scalar
def dft8(read, source, i, i_step, k, k_step):  # type: ignore[no-untyped-def]
    """Return the transform of 8 points."""
    p = dft4(read, source, i, 2 * i_step, k, 2 * k_step)
    q = dft4(read, source, i + i_step, 2 * i_step, k + k_step, 2 * k_step)
    q = q[0], _turn_45(q[1]), _turn_90(q[2]), _turn_135(q[3])
    return _add4(p, q) + _sub4(p, q)


@scalar
def dft16(read, source, i, i_step, k, k_step):  # type: ignore[no-untyped-def]
    """Return the transform of 16 points."""
    p = dft8(read, source, i, 2 * i_step, k, 2 * k_step)
    q = dft8(read, source, i + i_step, 2 * i_step, k + k_step, 2 * k_step)
    q = (
        q[0],
        turn(q[1], _C8, -_S8),
        _turn_45(q[2]),
        turn(q[3], _S8, -_C8),
        _turn_90(q[4]),
        turn(q[5], -_S8, -_C8),
        _turn_135(q[6]),
        turn(q[7], -_C8, -_S8),
    )
    return _add8(p, q) + _sub8(p, q)


@scalar
def dft32(read, source, i, i_step, k, k_step):  # type: ignore[no-untyped-def]
    """Return the transform of 32 points."""
    p = dft16(read, source, i, 2 * i_step, k, 2 * k_step)
    q = dft16(read, source, i + i_step, 2 * i_step, k + k_step, 2 * k_step)
    q = (
        q[0],
        turn(q[1], _C16, -_S16),
        turn(q[2], _C8, -_S8),
        turn(q[3], _C316, -_S316),
        _turn_45(q[4]),
        turn(q[5], _S316, -_C316),
        turn(q[6], _S8, -_C8),
        turn(q[7], _S16, -_C16),
        _turn_90(q[8]),
        turn(q[9], -_S16, -_C16),
        turn(q[10], -_S8, -_C8),
        turn(q[11], -_S316, -_C316),
        _turn_135(q[12]),
        turn(q[13], -_C316, -_S316),
        turn(q[14], -_C8, -_S8),
        turn(q[15], -_C16, -_S16),
    )
    return _add8(p[:8], q[:8]) + _add8(p[8:], q[8:]) + _sub8(p[:8], q[:8]) + _sub8(p[8:], q[8:])
