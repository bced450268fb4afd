"""Laws of ROC curves: only the order of scores counts, and the fast way is the plain one."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from converter.lab.numbers.metrics import rank_scores, standardised_area
from edgespec.errors import UsageError
from tests import naive

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]


def roc_auc(normal: ArrayLike, anomalous: ArrayLike) -> float:
    """The area under the ROC curve."""
    ranked = rank_scores(normal, anomalous)
    return float(np.mean(ranked.areas()[ranked.place]))


def partial_auc(normal: ArrayLike, anomalous: ArrayLike, max_far: float = 0.01) -> float:
    """The area up to a false-alarm rate, standardised."""
    ranked = rank_scores(normal, anomalous)
    return standardised_area(float(np.mean(ranked.areas(None, max_far)[ranked.place])), max_far)


def smooth(rng: np.random.Generator) -> Scores:
    return rng.normal(size=90), rng.normal(0.7, 1.3, size=70)


def tied(rng: np.random.Generator) -> Scores:
    """Five values for all: most pairs with a neighbour are ties."""
    return rng.integers(0, 4, 90).astype(float), rng.integers(1, 5, 70).astype(float)


def equal(rng: np.random.Generator) -> Scores:
    return np.full(20, 1.5), np.full(10, 1.5)


@pytest.fixture(params=[smooth, tied, equal])
def scores(request: pytest.FixtureRequest, rng: np.random.Generator) -> Scores:
    return request.param(rng)


def test_the_auc_counts_pairs(scores: Scores) -> None:
    assert roc_auc(*scores) == pytest.approx(naive.auc(*scores), abs=1e-12)


@pytest.mark.parametrize("max_far", [0.001, 0.01, 0.2, 0.77, 1.0])
def test_the_partial_area_is_that_of_the_trapezoids(scores: Scores, max_far: float) -> None:
    area = naive.partial_area(*scores, max_far)
    ranked = rank_scores(*scores)
    assert ranked.areas(None, max_far)[ranked.place].mean() == pytest.approx(area, abs=1e-12)
    assert partial_auc(*scores, max_far) == pytest.approx(standardised_area(area, max_far))


@pytest.mark.parametrize("max_far", [0.01, 0.3])
def test_areas_are_those_of_scikit_learn(scores: Scores, max_far: float) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels = np.repeat([0, 1], [len(part) for part in scores])
    values = np.concatenate(scores)
    assert roc_auc(*scores) == pytest.approx(metrics.roc_auc_score(labels, values))
    expected = metrics.roc_auc_score(labels, values, max_fpr=max_far)
    assert partial_auc(*scores, max_far) == pytest.approx(expected)


@pytest.mark.parametrize("change", [np.exp, np.arctan, lambda x: 3.0 * x - 100.0])
def test_a_rising_function_of_the_scores_changes_nothing(scores: Scores, change: object) -> None:
    changed = [change(part) for part in scores]  # type: ignore[operator]
    assert roc_auc(*changed) == roc_auc(*scores)
    assert partial_auc(*changed) == partial_auc(*scores)


def test_the_order_of_rows_and_the_side_of_the_names(
    scores: Scores, rng: np.random.Generator
) -> None:
    normal, anomalous = scores
    shuffled = roc_auc(rng.permutation(normal), rng.permutation(anomalous))
    assert shuffled == pytest.approx(roc_auc(normal, anomalous), abs=1e-12)
    # Whoever swaps the two, or the sign, gets the other side of 1/2.
    assert roc_auc(anomalous, normal) == pytest.approx(1.0 - shuffled)
    assert roc_auc(-normal, -anomalous) == pytest.approx(1.0 - shuffled)


def test_weights_are_repetitions(scores: Scores, rng: np.random.Generator) -> None:
    normal, anomalous = scores
    times = rng.integers(0, 4, len(normal))
    ranked = rank_scores(normal, anomalous)
    for max_far in (0.05, 1.0):
        weighted = ranked.areas(times.astype(float), max_far)[ranked.place]
        repeated = rank_scores(np.repeat(normal, times), anomalous)
        expected = repeated.areas(None, max_far)[repeated.place]
        assert weighted == pytest.approx(expected, abs=1e-12)


def test_perfect_useless_and_reversed_scores(rng: np.random.Generator) -> None:
    low, high = rng.random(50), 2.0 + rng.random(40)
    assert roc_auc(low, high) == partial_auc(low, high) == 1.0
    assert roc_auc(high, low) == 0.0
    assert roc_auc(low, low) == pytest.approx(0.5, abs=1e-12)
    # Random scores: 0.5 on the scale of the partial area as well; its standard error with 20,000
    # normal scores, of which 200 are in reach, is below 0.01.
    assert partial_auc(rng.random(20_000), rng.random(20_000)) == pytest.approx(0.5, abs=0.02)


def test_infinite_scores_have_a_place() -> None:
    assert roc_auc([0.0, -np.inf], [np.inf, 1.0]) == 1.0
    assert roc_auc([0.0, -np.inf], [-np.inf]) == 0.25


@pytest.mark.parametrize(
    ("normal", "anomalous", "message"),
    [
        ([], [1.0], "no normal scores"),
        ([1.0, np.nan], [1.0], "1 of 2 normal scores are not a number"),
        ([1.0], [np.nan, np.nan], "2 of 2 anomalous"),
        (["a"], [1.0], "must be numbers"),
    ],
)
def test_bad_scores_are_refused(normal: object, anomalous: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        roc_auc(normal, anomalous)  # type: ignore[arg-type]
