"""A threshold for a rate of false alarms that may be rarer than anything seen."""

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.tail import Tail, fit_tail

__all__ = ["threshold_for"]

#: Fewer scores say nothing of a tail.
_FEWEST = 20

#: Share of the scores that the tail is fitted to.
_TAIL = 0.1

#: A quantile is believed if at least this many scores lie above it.
_ABOVE = 10


def threshold_for(scores: NDArray[np.float64], rate: float, least_excess: float = 0.0) -> float:
    """Return the score that normal operation exceeds with probability ``rate``.

    Where at least 10 of the scores lie above it, it is their empirical percentile (Schoesser et al.
    2024, sec. IV-B2). Further out, the highest tenth of the scores is continued by an exponential
    of the same mean excess (:mod:`edgespec.tail`), which is taken to be ``least_excess`` at least:
    a short quiet training does not say that the tail is thin.

    Raises:
        ConfigError: fewer than 20 scores.
    """
    values = np.sort(np.asarray(scores, np.float64))
    n = len(values)
    if n < _FEWEST:
        raise ConfigError(f"{n} normal snapshots are too few for a threshold; give at least 20")
    n_above = int(np.floor(n * rate))
    if n_above >= _ABOVE or rate >= _TAIL:
        return float(values[n - 1 - n_above])
    n_tail = max(5, round(n * _TAIL))
    base = float(values[n - 1 - n_tail])
    found = fit_tail(values[n - n_tail :] - base, base, n_tail / n, is_exponential=True)
    return Tail(base, found.rate, max(found.scale, least_excess)).score_at(rate)
