"""Thresholds from the scores of calibration observers, and the rate they keep on others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgespec.detect.threshold import ThresholdFit, fit_thresholds
from edgespec.errors import ModelError, UsageError

__all__ = [
    "gaussian_threshold",
    "observer_names",
    "pooled_threshold",
    "realised_rates",
    "site_standardised",
]

#: Spread below which a site is not believed, as a share of the mean score; as the device has it.
_SMALLEST_SHARE = 1e-3

Columns = Mapping[str, Any]


def pooled_threshold(calibration_scores: ArrayLike, rate: float) -> float:
    """Return the ``ceil((n + 1) (1 - rate))``-th smallest of ``n`` calibration scores.

    A segment alarms where its score lies above it, so ties with it do not. On exchangeable scores
    the expected false-alarm rate is at most ``rate`` (split conformal: Vovk et al. 2005, sec. 4.2).

    Args:
        calibration_scores: ``(n,)`` of normal segments of observers that nothing was fitted to.
        rate: false alarms per normal segment, in (0, 1).

    Raises:
        ModelError: fewer scores than tell the rate, ``1 / rate - 1`` and at least 20, or one that
            is not finite.
    """
    fit = _fit(calibration_scores, rate)
    if "quantile" not in fit.thresholds[f"{rate:g}"]:
        raise ModelError(
            f"{fit.n_scores} normal segments do not tell a false-alarm rate of {rate:g}: at least "
            f"{int(np.ceil(1.0 / rate)) - 1} are needed, and ten times as many for a steady "
            "threshold; give longer calibration observers"
        )
    return fit.thresholds[f"{rate:g}"]["quantile"]


def gaussian_threshold(calibration_scores: ArrayLike, rate: float) -> float:
    """Return the threshold of a normal distribution fitted to the scores (Li et al. 2019, sec. 6).

    Raises:
        ModelError: fewer than 20 scores, or one that is not finite.
    """
    return _fit(calibration_scores, rate).thresholds[f"{rate:g}"]["gaussian"]


def observer_names(frame: Columns) -> NDArray[np.str_]:
    """Return who heard each row, ``(n,)``: split, simulator seed and observer in one text."""
    keys = [np.asarray(frame[key]).astype(str) for key in ("split", "seed", "observer")]
    return np.char.add(np.char.add(np.char.add(keys[0], "/"), np.char.add(keys[1], "/")), keys[2])


def site_standardised(frame: Columns, scorer: str) -> NDArray[np.float64]:
    """Return scores in standard deviations above the mean of each observer's own warm-up.

    As :class:`edgespec.detect.site.SiteScale` does it: mean and spread come from the second half of
    the warm-up, and a spread is not believed to be smaller than the median of those of the
    calibration observers. Scores that are not finite teach nothing; an observer without a finite
    one anywhere, such as one that found no cell, stays without.

    Args:
        frame: columns of a detection table, each ``(n,)``: ``split seed observer mode segment``
            and ``score:SCORER``.
        scorer: its name.

    Returns:
        float64 ``(n,)``, in the order of the rows.

    Raises:
        UsageError: an observer has fewer than two scores in the second half of its warm-up, or
            there is no calibration observer.
    """
    names, observer = np.unique(observer_names(frame), return_inverse=True)
    scores = np.asarray(frame[f"score:{scorer}"], np.float64)
    taught = second_half_of_warmup(frame, observer) & np.isfinite(scores)
    mean, std = _moments(scores[taught], observer[taught], len(names))
    is_silent = np.bincount(observer, np.isfinite(scores), len(names)) == 0
    is_calibration = np.char.startswith(names, "calibration/") & ~is_silent
    if not is_calibration.any():
        raise UsageError(
            f"there is no calibration observer with scores of {scorer} whose spread could be a "
            "usual one"
        )
    std[is_silent] = mean[is_silent] = 0.0
    if np.isnan(std).any():
        lacking = names[np.isnan(std)]
        raise UsageError(
            f"{scorer} has fewer than two scores in the second half of the warm-up of "
            f"{lacking[0]} and {len(lacking) - 1} more: make warmup_s longer"
        )
    usual = np.median(std[is_calibration])
    std = np.maximum(std, np.maximum(usual, _SMALLEST_SHARE * np.abs(mean) + 1e-6))
    return np.asarray((scores - mean[observer]) / std[observer], np.float64)


def second_half_of_warmup(frame: Columns, observer: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which rows belong to the second half of the warm-up of their observer, ``(n,)``.

    Args:
        frame: has the columns ``mode`` and ``segment``.
        observer: number of each row's observer.
    """
    warmup = np.flatnonzero(np.asarray(frame["mode"]) == "warmup")
    segment = np.asarray(frame["segment"])[warmup]
    order = np.lexsort((segment, observer[warmup]))
    counts = np.bincount(observer[warmup], minlength=int(observer.max(initial=-1)) + 1)
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    place = np.empty(len(warmup), np.intp)
    place[order] = np.arange(len(warmup)) - first[observer[warmup][order]]
    out = np.zeros(len(observer), np.bool_)
    out[warmup] = place >= counts[observer[warmup]] // 2
    return out


def realised_rates(
    scores: ArrayLike, observers: ArrayLike, threshold: float
) -> dict[str, tuple[int, int]]:
    """Return for each observer how many of its normal scores lie above the threshold, of how many.

    Args:
        scores: ``(n,)`` of normal segments.
        observers: ``(n,)`` who heard them.
        threshold: in the unit of the scores.
    """
    names, observer = np.unique(np.asarray(observers), return_inverse=True)
    alarms = np.bincount(observer, np.asarray(scores) > threshold, len(names))
    counts = np.bincount(observer, minlength=len(names))
    return {str(name): (int(k), int(n)) for name, k, n in zip(names, alarms, counts, strict=True)}


def _fit(scores: ArrayLike, rate: float) -> ThresholdFit:
    return fit_thresholds(np.asarray(scores), (rate,))


def _moments(
    values: NDArray[np.float64], group: NDArray[np.intp], n_groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and sample standard deviation of each group, NaN where it has fewer than two."""
    counts = np.bincount(group, minlength=n_groups).astype(np.float64)
    enough = np.where(counts >= 2, counts, np.nan)
    mean = np.bincount(group, values, n_groups) / enough
    squares = np.bincount(group, (values - mean[group]) ** 2, n_groups)
    return mean, np.sqrt(squares / (enough - 1.0))
