"""Laws of thresholds: fewer false alarms ask for a higher one, and the rate is kept."""

import numpy as np
import pytest

from edgespec.detect.threshold import LEAST_SCORES, fit_thresholds, scores_for_rate
from edgespec.errors import ModelError

RATES = (0.1, 0.05, 0.01, 0.001)


def test_a_lower_rate_never_lowers_the_threshold(rng: np.random.Generator) -> None:
    fit = fit_thresholds(rng.gamma(20.0, 0.1, 5000), RATES)
    for method in ("gaussian", "quantile"):
        values = [fit.thresholds[f"{rate:g}"][method] for rate in RATES]
        assert values == sorted(values)


def test_the_quantile_keeps_its_rate_where_the_gaussian_does_not(
    rng: np.random.Generator,
) -> None:
    # Scores of normal signal have a heavier tail than a Gaussian: a squared error has a
    # chi-square one. 400 repetitions of 1000 scores: the standard error of the mean rate is
    # 0.02 / sqrt(400 * 1000 * 0.01) of it, far below the tolerance.
    realised = {"gaussian": [], "quantile": []}
    for _ in range(400):
        fit = fit_thresholds(rng.chisquare(4, 1000), (0.01,))
        fresh = rng.chisquare(4, 1000)
        for method, rates in realised.items():
            rates.append(np.mean(fresh > fit.thresholds["0.01"][method]))
    assert np.mean(realised["quantile"]) == pytest.approx(0.01, rel=0.1)
    assert np.mean(realised["gaussian"]) > 0.015


def test_the_gaussian_threshold_is_that_of_a_gaussian(rng: np.random.Generator) -> None:
    fit = fit_thresholds(rng.normal(5.0, 2.0, 200_000), (0.01,))
    assert fit.thresholds["0.01"]["gaussian"] == pytest.approx(5.0 + 2.3263 * 2.0, abs=0.03)


def test_a_rate_that_the_scores_cannot_tell_has_no_quantile(rng: np.random.Generator) -> None:
    fit = fit_thresholds(rng.normal(5.0, 1.0, 100), (0.01, 0.001))
    assert "quantile" in fit.thresholds["0.01"]
    assert "quantile" not in fit.thresholds["0.001"]
    assert "gaussian" in fit.thresholds["0.001"]


@pytest.mark.parametrize("rate", [0.04, 0.03, 0.01, 0.001, 0.0007])
def test_the_fewest_scores_that_tell_a_rate_have_its_quantile(rate: float) -> None:
    n_scores = scores_for_rate(rate)
    assert n_scores > LEAST_SCORES
    fits = [fit_thresholds(np.arange(n) * 1.0, (rate,)) for n in (n_scores - 1, n_scores)]
    assert ["quantile" in fit.thresholds[f"{rate:g}"] for fit in fits] == [False, True]
    # From so few it is the highest of them.
    assert fits[1].thresholds[f"{rate:g}"]["quantile"] == n_scores - 1


@pytest.mark.parametrize(
    ("scores", "rates", "message"),
    [
        (np.ones(5), (0.1,), "too few"),
        (np.array([1.0] * 30 + [np.nan]), (0.1,), "not finite"),
        (np.ones(50), (1.5,), "between 0 and 1"),
    ],
)
def test_bad_scores_are_refused(scores: np.ndarray, rates: tuple[float, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        fit_thresholds(scores, rates)
