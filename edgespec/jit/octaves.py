"""Logarithm and power to the base of 2, of float32, which dissolve in vectorised loops.

The functions of libm take one number at a time, and call a function for it.
"""

import math

import numpy as np

from edgespec.jit.decorators import scalar

__all__ = ["exp2", "log2"]

_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_SQRT_2 = np.float32(math.sqrt(2.0))
#: Where a float32 keeps its exponent, and what is added to it there (IEEE 754).
_EXPONENT_BITS, _BIAS = np.int32(23), np.int32(127)
_MANTISSA, _BITS_OF_ONE = np.int32(0x007FFFFF), np.int32(0x3F800000)
_SMALLEST_OCTAVE = np.float32(-126.0)
#: Taylor series of 2^x: on [-1/2, 1/2] the first term left out is 1.2e-7.
_C1, _C2, _C3, _C4, _C5, _C6 = (
    np.float32(math.log(2.0) ** k / math.factorial(k)) for k in range(1, 7)
)
#: log2(x) = 1/2 + 2/ln 2 * (t + t^3/3 + t^5/5 + ...), t = (x - sqrt 2) / (x + sqrt 2), 1 <= x < 2.
_L1, _L3, _L5, _L7 = (np.float32(2.0 / math.log(2.0) / k) for k in (1, 3, 5, 7))


@scalar
def exp2(octaves):  # type: ignore[no-untyped-def]
    """Return ``2^x`` of float32 below 127, with an error of 2e-7 of it; below -126 that of -126."""
    within = max(octaves, _SMALLEST_OCTAVE)
    whole = np.floor(within + _HALF)
    x = within - whole
    part = _ONE + x * (_C1 + x * (_C2 + x * (_C3 + x * (_C4 + x * (_C5 + x * _C6)))))
    bits = np.int32((np.int32(whole) + _BIAS) << _EXPONENT_BITS)
    return part * bits.view(np.float32)


@scalar
def log2(value):  # type: ignore[no-untyped-def]
    """Return the binary logarithm of a normal float32 above 0, with an error of 4e-7 octaves.

    Of a large one the exponent is rounded, so the error is 1e-7 of the result, if that is more.
    """
    bits = np.float32(value).view(np.int32)
    exponent = np.float32((bits >> _EXPONENT_BITS) - _BIAS)
    x = np.int32((bits & _MANTISSA) | _BITS_OF_ONE).view(np.float32)
    t = (x - _SQRT_2) / (x + _SQRT_2)
    u = t * t
    return exponent + (_HALF + t * (_L1 + u * (_L3 + u * (_L5 + u * _L7))))
