"""Areas under the ROC curve, whole and partial, of scores where high is anomalous.

Scores are ranked once; everything else is a look-up in a table of the normal ones, so that a
bootstrap can weigh them anew thousands of times.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgespec.errors import UsageError

__all__ = ["RankedScores", "rank_scores", "standardised_area"]

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankedScores:
    """Where anomalous scores lie among the normal ones.

    ``group`` int ``(n_normal,)`` numbers the distinct normal values from below; ``place`` int
    ``(n_anomalous,)`` is ``2 g`` for a score below group ``g`` and above the one before it, and
    ``2 g + 1`` for one that is equal to it.
    """

    group: NDArray[np.intp]
    place: NDArray[np.intp]
    n_groups: int

    def areas(self, normal_weights: Float | None = None, max_far: float = 1.0) -> Float:
        """Return what an anomalous score at each place adds to the area under the ROC curve.

        A score that a share ``x`` of the normal ones lie above is detected from the false-alarm
        rate ``x`` on. Where it equals some, the curve rises in a straight line across them.

        Args:
            normal_weights: ``(n_normal,)`` how often each normal score counts; None counts each
                once.
            max_far: the area reaches from a false-alarm rate of 0 to this one.

        Returns:
            ``(2 n_groups + 1,)``, from 0 to ``max_far``.
        """
        counts = np.bincount(self.group, normal_weights, self.n_groups)
        below = np.concatenate(([0.0], np.cumsum(counts)))
        above = 1.0 - below / below[-1]
        out = np.empty(2 * self.n_groups + 1)
        out[::2] = np.maximum(max_far - above, 0.0)
        if max_far >= 1.0:
            out[1::2] = max_far - (above[1:] + above[:-1]) / 2.0
            return out
        first, last = above[1:], above[:-1]
        reached = np.clip(max_far, first, last)
        with np.errstate(invalid="ignore", divide="ignore"):
            ramp = (reached - first) ** 2 / (2.0 * (last - first))
        out[1::2] = np.where(last > first, ramp, 0.0) + np.maximum(max_far - last, 0.0)
        return out


def rank_scores(normal: ArrayLike, anomalous: ArrayLike) -> RankedScores:
    """Return where ``anomalous`` scores lie among ``normal`` ones.

    Raises:
        UsageError: there are no normal scores, or one of either is not a number.
    """
    values, extra = _checked(normal, "normal"), _checked(anomalous, "anomalous")
    if not len(values):
        raise UsageError("there are no normal scores to compare with: give at least one")
    distinct, group = np.unique(values, return_inverse=True)
    at = np.searchsorted(distinct, extra)
    equal = distinct[np.minimum(at, len(distinct) - 1)] == extra
    return RankedScores(group.reshape(-1), 2 * at + equal, len(distinct))


def standardised_area(area: float, max_far: float) -> float:
    """Return a partial area on the scale of a full one.

    ``(1 + (area - f^2 / 2) / (f - f^2 / 2)) / 2`` for ``f = max_far`` (McClish 1989).
    """
    chance = max_far**2 / 2.0
    return 0.5 * (1.0 + (area - chance) / (max_far - chance))


def _checked(scores: ArrayLike, name: str) -> NDArray[Any]:
    values = np.asarray(scores).reshape(-1)
    if values.dtype.kind not in "fiub":
        raise UsageError(f"the {name} scores are {values.dtype}; they must be numbers")
    n_bad = int(np.isnan(values).sum())
    if n_bad:
        raise UsageError(f"{n_bad} of {len(values)} {name} scores are not a number: leave them out")
    return values
