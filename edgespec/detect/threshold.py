"""Thresholds for a chosen false-alarm rate, from scores of normal signal."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from edgespec.errors import ModelError
from edgespec.records import FloatArray

__all__ = ["LEAST_SCORES", "ThresholdFit", "fit_thresholds", "scores_for_rate"]

#: Fewer scores say nothing of their spread.
LEAST_SCORES = 20


@dataclass(frozen=True, slots=True)
class ThresholdFit:
    """Scores of normal signal, summed up: ``thresholds[rate][method]`` in the score's unit."""

    mean: float
    std: float
    n_scores: int
    thresholds: dict[str, dict[str, float]]


def fit_thresholds(scores: FloatArray, false_alarm_rates: tuple[float, ...]) -> ThresholdFit:
    """Return a threshold for each false-alarm rate by two methods.

    ``gaussian`` is ``mean + std * ndtri(1 - rate)`` of a normal distribution fitted to the scores
    (Li et al. 2019, sec. 6). ``quantile`` is the ``ceil((n + 1) (1 - rate))``-th smallest of the
    ``n`` scores (split conformal: with exchangeable scores the expected rate of new ones above it
    is at most ``rate``); a rate below ``1 / (n + 1)`` cannot be told from ``n`` scores and is left
    out.

    Args:
        scores: ``(n_scores,)``, of normal signal that no model was trained on.
        false_alarm_rates: probabilities of a false alarm per segment, each in (0, 1).

    Raises:
        ModelError: fewer than 20 scores, or one that is not finite.
    """
    values = np.sort(np.asarray(scores, np.float64))
    if len(values) < LEAST_SCORES:
        raise ModelError(
            f"{len(values)} normal segments are too few to set a threshold: at least "
            f"{LEAST_SCORES} are needed, and 10 / rate for a false-alarm rate; give longer "
            "calibration recordings"
        )
    if not np.isfinite(values).all():
        raise ModelError(
            f"{int((~np.isfinite(values)).sum())} of {len(values)} normal scores are not finite: "
            "the model or the recording is broken"
        )
    mean, std = float(values.mean()), float(values.std(ddof=1))
    thresholds: dict[str, dict[str, float]] = {}
    for rate in false_alarm_rates:
        if not 0.0 < rate < 1.0:
            raise ModelError(f"a false-alarm rate is {rate}; it must lie between 0 and 1")
        methods = {"gaussian": mean + std * float(ndtri(1.0 - rate))}
        rank = int(np.ceil((len(values) + 1) * (1.0 - rate) - 1e-9))
        if rank <= len(values):
            methods["quantile"] = float(values[rank - 1])
        thresholds[f"{rate:g}"] = methods
    return ThresholdFit(mean, std, len(values), thresholds)


def scores_for_rate(false_alarm_rate: float) -> int:
    """Return how many scores tell a false-alarm rate: the least ``n`` with ``1 / (n + 1) <= rate``.

    From fewer, :func:`fit_thresholds` has no quantile.
    """
    return int(np.ceil(1.0 / false_alarm_rate - 1e-9)) - 1
