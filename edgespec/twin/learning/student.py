"""Student's t for residuals: heavy tails with a learnt scale."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = ["choose_tail", "degrees_of_freedom", "fit_scales"]

FloatArray = NDArray[np.float64]

#: Tails to choose from, heaviest first: 1, 3, 7 or 15 degrees of freedom.
_DOUBLINGS = (0, 1, 2, 3)

_SMALLEST_DB = 1e-3


def degrees_of_freedom(doublings: int) -> float:
    """Return ``2^(doublings + 1) - 1``: densities are then powers made by squaring alone."""
    return 2.0 ** (doublings + 1) - 1.0


def fit_scales(values_db: FloatArray, doublings: int, n_steps: int = 25) -> FloatArray:
    """Return the likeliest scale along axis 0, by expectation and maximisation.

    ``scale^2 = mean(w x^2)`` with ``w = (nu + 1) / (nu + x^2 / scale^2)``; location zero. NaN
    counts as missing; without any value the scale is NaN.
    """
    nu = degrees_of_freedom(doublings)
    squares = values_db**2
    known = np.isfinite(squares)
    n_known = known.sum(axis=0)
    squares = np.where(known, squares, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.where(n_known > 0, squares.sum(axis=0) / n_known, np.nan)
        # Begin below: one wild value would else need many steps to be forgotten.
        variance = np.maximum(np.minimum(middle, np.median(squares, axis=0) * 2.0 + 1e-3), 1e-6)
        for _ in range(n_steps):
            weight = (nu + 1.0) / (nu + squares / variance)
            total = (weight * squares).sum(axis=0)
            variance = np.maximum(np.where(n_known > 0, total / n_known, np.nan), _SMALLEST_DB**2)
    return np.asarray(np.sqrt(variance))


def choose_tail(values_db: FloatArray) -> int:
    """Return the tail under which all columns of ``values_db`` are likeliest together."""
    return max(_DOUBLINGS, key=lambda doublings: _log_likelihood(values_db, doublings))


def _log_likelihood(values_db: FloatArray, doublings: int) -> float:
    """Return the log-likelihood of all values, each column with its own likeliest scale."""
    nu = degrees_of_freedom(doublings)
    scale = fit_scales(values_db, doublings)
    constant = gammaln((nu + 1.0) / 2.0) - gammaln(nu / 2.0) - 0.5 * np.log(nu * np.pi)
    spread = (values_db / scale) ** 2 / nu
    return float(np.nansum(constant - np.log(scale) - (nu + 1.0) / 2.0 * np.log1p(spread)))
