"""How much windows vary at a site beyond chance: learnt where the warm-up is long enough."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.plain import run_sums
from edgespec.detect.scan.terms import MISFIT
from edgespec.detect.scan.windows import Windows

__all__ = ["DRIFT", "learn_spreads"]

_Doubles = NDArray[Any]

#: A length is learnt from so many windows side by side, or not at all.
_LEAST_WINDOWS = 12
#: Worth in windows side by side of the thought that a window varies by chance alone.
_PRIOR_WINDOWS = 20
#: Windows farther out count as if they lay there: a burst in the warm-up is not to deafen it.
_FARTHEST = 6.0
#: Drift of the noise over hours that is no news, .13 dB.
DRIFT = 0.03
#: Windows of so many slots are long enough to tell drift from chance.
_DRIFT_SLOTS = 24


def learn_spreads(terms: _Doubles, windows: Windows) -> _Doubles:
    """Return ``c`` and ``f`` of every window, float64 ``(2, n_lengths, n_runs)``.

    ``c`` is the mean square of the deviations of normal windows, drawn to 1 and not below it. Of a
    length that the warm-up is too short for, ``c`` is that of single slots, and what the longest
    learnt windows varied by beyond chance is thought to be drift, ``f``: that of longer ones does
    not average out.

    Args:
        terms: float64 ``(n_slots, N_TERMS, n_bands)`` of the warm-up, in order.
        windows: what is looked at.
    """
    n_slots = len(terms)
    runs = np.stack([windows.lower, windows.stop])
    spreads = np.ones((2, len(windows.lengths), windows.n_runs))
    spreads[1] = drift = np.full(windows.n_runs, DRIFT)
    sums = np.zeros((n_slots + 1, *terms.shape[1:]))
    np.cumsum(terms, axis=0, out=sums[1:])
    for number, length in enumerate(windows.lengths):
        n_apart = n_slots / length
        if n_apart < _LEAST_WINDOWS:
            spreads[0, number], spreads[1, number] = spreads[0, 0], drift
            continue
        u, i, h, _, _ = run_sums(sums[length:] - sums[:-length], runs)
        i = np.maximum(i, 1e-12)
        z = np.minimum(u / np.sqrt(i + (MISFIT * h) ** 2), _FARTHEST)
        square = (n_apart * (z**2).mean(axis=0) + _PRIOR_WINDOWS) / (n_apart + _PRIOR_WINDOWS)
        spreads[0, number] = np.maximum(square, 1.0)
        if length >= _DRIFT_SLOTS:
            beyond = np.sqrt((spreads[0, number] - 1.0) / np.median(i, axis=0))
            drift = np.maximum(DRIFT, beyond)
    return spreads
