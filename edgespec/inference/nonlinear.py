"""Hyperbolic tangent and logistic function as quotients, for loops that the compiler vectorises.

``tanh(x) = x P(x^2) / Q(x^2)`` with the best relative error for its degree on ``|x| <= 9``, which
is 2.1e-8 (found by least squares with weights that follow the error, Lawson 1961); beyond 9
float32 cannot tell it from 1. Numerator and denominator are given apart: quotients that are
multiplied or added then share one division, the slowest operation of a small processor.
"""

import numpy as np

from edgespec.jit import scalar

__all__ = ["hard_sigmoid", "sigmoid_parts", "tanh_parts"]

_LIMIT = np.float32(9.0)
_HALF = np.float32(0.5)
_TWO = np.float32(2.0)
_ZERO, _ONE, _FIFTH = np.float32(0.0), np.float32(1.0), np.float32(0.2)
_P0, _P1, _P2, _P3, _P4 = (
    np.float32(value)
    for value in (0.99999997947, 0.13381019105, 0.0034955803721, 2.0608956411e-05, 1.3354492997e-08)
)
_Q1, _Q2, _Q3, _Q4 = (
    np.float32(value)
    for value in (0.46714334701, 0.025876952663, 0.00032856221904, 7.7764879413e-07)
)


@scalar
def tanh_parts(x):  # type: ignore[no-untyped-def]
    """Return two numbers whose quotient is ``tanh(x)``; the second lies between 1 and 420."""
    # Comparisons that NaN fails leave NaN as it is.
    x = _LIMIT if x > _LIMIT else x
    x = -_LIMIT if x < -_LIMIT else x
    u = x * x
    numerator = x * (_P0 + u * (_P1 + u * (_P2 + u * (_P3 + u * _P4))))
    return numerator, _ONE + u * (_Q1 + u * (_Q2 + u * (_Q3 + u * _Q4)))


@scalar
def sigmoid_parts(x):  # type: ignore[no-untyped-def]
    """Return two numbers whose quotient is ``1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2``."""
    numerator, denominator = tanh_parts(_HALF * x)
    return denominator + numerator, _TWO * denominator


@scalar
def hard_sigmoid(x):  # type: ignore[no-untyped-def]
    """Return ``clip(0.2 x + 0.5, 0, 1)``, the gate of Keras 1 and 2."""
    x = _FIFTH * x + _HALF
    x = _ONE if x > _ONE else x
    return _ZERO if x < _ZERO else x
