"""The threshold of a score that is the largest of many, for so many false events a day."""

import math

__all__ = ["threshold_of_largest"]

_EULER = 0.5772156649015329
_DAY_S = 86_400.0


def threshold_of_largest(
    per_day: float, hop_s: float, n_detectors: int = 1, most_share: float = 1e-3
) -> float:
    """Return which score, in deviations at the site, normal signal is above so often a day.

    The largest of many deviations is distributed as Gumbel's law has it (Fisher and Tippett 1928):
    of mean 0 and deviation 1, ``P(score > t) = 1 - exp(-exp(-(pi t / sqrt(6) + gamma)))``, which is
    ``p = per_day hop / (day n_detectors)`` at ``t = sqrt(6) / pi (-ln(-ln(1 - p)) - gamma)``. It is
    a guess until the site is known: signals whose tail is heavier are above it more often.

    Args:
        per_day: false events a day of all detectors together.
        hop_s: time from one score to the next.
        n_detectors: how many share them.
        most_share: share of scores that may be above it at most: with a sweep every quarter of an
            hour, five false events a day would be every twentieth.
    """
    share = min(per_day * hop_s / (_DAY_S * n_detectors), most_share)
    return math.sqrt(6.0) / math.pi * (-math.log(-math.log1p(-share)) - _EULER)
