"""Straight lines through slots: what is left of a cell against its power."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lines", "fit_lines"]

_Doubles = NDArray[Any]

#: Spread of one slot's residual as a share: mean of seven exponential variables.
_SPREAD = 7.0**-0.5
#: Slots farther out than so many spreads count as if they lay there (Huber 1964).
_HUBER = 2.5
_N_ROUNDS = 12
#: No noise is smaller than this share of the median residual.
_LEAST_NOISE = 1e-3


@dataclass(frozen=True, slots=True)
class Lines:
    """``noise + leak * power``, both float64 of one shape and never negative."""

    noise: _Doubles
    leak: _Doubles

    def at(self, power: _Doubles) -> _Doubles:
        """Return what is expected at a power."""
        expected: _Doubles = self.noise + self.leak * power
        return expected


def fit_lines(
    residual: _Doubles,
    power: _Doubles,
    weight: _Doubles,
    prior: Lines | None = None,
    worth: _Doubles | None = None,
) -> Lines:
    """Return one line for each column, fitted to relative errors and robust to strong slots.

    Minimises ``sum w ((r - N - eps p) / e)^2 + k ((N - N0) / N0)^2 + k ((eps - eps0) / eps0)^2``
    with ``e = N + eps p`` of the round before and Huber's weights ``w``.

    Args:
        residual: ``(n_slots, n_lines)``, linear.
        power: of the same shape, linear.
        weight: of the same shape: 0 where there is no slot.
        prior: the lines ``N0 + eps0 p`` that they are drawn to, ``(n_lines,)``.
        worth: of the prior in slots, ``k``, ``(n_lines,)``.
    """
    median = np.array(
        [np.median(r[w > 0]) if w.any() else 1.0 for r, w in _columns(residual, weight)]
    )
    tiny = np.maximum(_LEAST_NOISE * median, np.finfo(np.float32).tiny)
    if prior is None or worth is None:
        noise, leak = median, np.zeros_like(median)
        own_noise = own_leak = np.zeros_like(median)
        at_noise = at_leak = np.zeros_like(median)
    else:
        noise, leak = prior.noise, prior.leak
        own_noise, own_leak = worth / noise**2, worth / leak**2
        at_noise, at_leak = worth / noise, worth / leak
    for _ in range(_N_ROUNDS):
        expected = np.maximum(noise + leak * power, tiny)
        far = np.abs(residual / expected - 1.0) / _SPREAD
        w = weight * np.minimum(1.0, _HUBER / np.maximum(far, _HUBER)) / expected**2
        a = w.sum(axis=0) + own_noise
        b = (w * power).sum(axis=0)
        c = (w * power**2).sum(axis=0) + own_leak
        u = (w * residual).sum(axis=0) + at_noise
        v = (w * power * residual).sum(axis=0) + at_leak
        a, c = np.maximum(a, 1e-300), np.maximum(c, 1e-300)
        determinant = a * c - b * b
        is_flat = determinant <= 1e-9 * a * c
        determinant = np.where(is_flat, 1.0, determinant)
        leak = np.where(is_flat, 0.0, (a * v - b * u) / determinant)
        noise = np.where(is_flat, u / a, (u * c - b * v) / determinant)
        noise = np.where(leak < 0.0, u / a, noise)
        leak = np.where(noise < tiny, v / c, np.maximum(leak, 0.0))
        noise = np.maximum(noise, tiny)
    return Lines(noise, leak)


def _columns(residual: _Doubles, weight: _Doubles) -> Any:
    return zip(residual.T, weight.T, strict=True)
