"""How often a score is exceeded that may be rarer than anything seen: peaks over threshold."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_SHAPE", "Tail", "fit_tail"]

#: Shapes above say that the mean excess has no spread, and a sample of some hundred values does not
#: prove that; shapes below 0 say that nothing is above some score, and no sample proves that.
MOST_SHAPE = 0.5
_NONE = 1e-9


@dataclass(frozen=True, slots=True)
class Tail:
    """The highest of many scores, continued by a generalised Pareto distribution.

    ``base`` is exceeded at a ``rate``, in whatever unit: a probability, or times a day. Higher
    scores are exceeded at ``rate * (1 + shape (score - base) / scale) ** (-1 / shape)``, with
    shape 0 at ``rate * exp(-(score - base) / scale)`` (Pickands 1975).
    """

    base: float
    rate: float
    scale: float
    shape: float = 0.0

    def rate_at(self, score: float) -> float:
        """Return how often a score is exceeded; up to ``base`` all that is known is ``rate``."""
        if score <= self.base:
            return self.rate
        excess = (score - self.base) / self.scale if self.scale else math.inf
        if self.shape < _NONE:
            return self.rate * math.exp(-excess)
        return self.rate * math.exp(-math.log1p(self.shape * excess) / self.shape)

    def score_at(self, rate: float) -> float:
        """Return the score that is exceeded at a rate; ``base`` for whatever is more frequent."""
        if rate >= self.rate:
            return self.base
        log_ratio = math.log(self.rate / rate)
        if self.shape < _NONE:
            return self.base + self.scale * log_ratio
        return self.base + self.scale * math.expm1(self.shape * log_ratio) / self.shape


def fit_tail(
    excesses: NDArray[np.float64], base: float, rate: float, *, is_exponential: bool = False
) -> Tail:
    """Return the tail that fits excesses over ``base`` best, which is exceeded at ``rate``.

    By maximum likelihood, with a shape from 0 to :data:`MOST_SHAPE`; ``is_exponential``: of shape
    0, which needs fewer.

    Args:
        excesses: ``(n,)`` one or more, none negative.
        base: what they are over.
        rate: how often that is exceeded.
        is_exponential: the shape is known to be 0.
    """
    mean = float(np.mean(excesses))
    exponential = Tail(base, rate, max(mean, 0.0))
    if is_exponential or mean <= 0.0 or len(excesses) < 2:
        return exponential
    # It takes most of a second to load, and is needed for calibrating alone.
    from scipy.stats import genpareto

    shape, _, scale = genpareto.fit(excesses, floc=0.0, scale=mean)
    if shape > MOST_SHAPE:
        shape, _, scale = genpareto.fit(excesses, floc=0.0, f0=MOST_SHAPE, scale=mean)
    if not (shape > 0.0 and scale > 0.0):
        return exponential
    return Tail(base, rate, float(scale), float(shape))
