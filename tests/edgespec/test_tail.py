"""Peaks over threshold: rates of scores that were never met."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from edgespec.tail import MOST_SHAPE, Tail, fit_tail

SHAPES = st.floats(0.0, MOST_SHAPE)


@given(SHAPES, st.floats(0.01, 100), st.floats(-50, 50), st.floats(1e-6, 1.0))
def test_score_and_rate_are_each_other_s_inverse(shape, scale, base, share):
    tail = Tail(base, 300.0, scale, shape)
    score = tail.score_at(300.0 * share)
    assert score >= base
    assert tail.rate_at(score) == pytest.approx(300.0 * share, rel=1e-3)
    assert tail.score_at(1e9) == base
    assert tail.rate_at(base - 1.0) == 300.0


@given(SHAPES, st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=20))
def test_a_higher_threshold_never_raises_more(shape, rates):
    tail = Tail(2.0, 1e3, 1.5, shape)
    scores = [tail.score_at(rate) for rate in sorted(rates)]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("shape", [0.0, 0.1, 0.3])
def test_it_is_the_generalised_pareto_distribution(shape):
    tail, scores = Tail(1.0, 1.0, 2.0, shape), np.linspace(1.0, 7.0, 20)
    expected = genpareto.sf(scores - 1.0, shape, scale=2.0)
    assert [tail.rate_at(score) for score in scores] == pytest.approx(expected)


@pytest.mark.parametrize("shape", [0.1, 0.2, 0.3])
def test_a_tail_is_found_again(shape):
    rng = np.random.default_rng(3)
    far = []
    for _ in range(20):
        excesses = genpareto.rvs(shape, scale=1.5, size=300, random_state=rng)
        far.append(fit_tail(excesses, 4.0, 200.0).score_at(1.0))
    true = Tail(4.0, 200.0, 1.5, shape).score_at(1.0)
    assert np.median(far) == pytest.approx(true, rel=0.08)


def test_no_sample_says_that_there_is_a_highest_score():
    rng = np.random.default_rng(4)
    tail = fit_tail(rng.uniform(0.0, 1.0, 400), 0.0, 200.0)
    assert tail.rate_at(1.5) > 0.0
    assert tail.score_at(1.0) > 1.0


@pytest.mark.parametrize(
    "excesses",
    [np.zeros(5), np.ones(40), np.array([0.3]), np.array([0.1, 1e3, 1e9]), np.full(9, 1e-30)],
    ids=["nothing above", "all alike", "one", "wild", "tiny"],
)
def test_no_sample_gives_an_impossible_tail(excesses):
    tail = fit_tail(excesses, 1.0, 10.0)
    assert 0.0 <= tail.shape <= MOST_SHAPE
    assert tail.scale >= 0.0
    assert np.isfinite(tail.score_at(0.1))
    # What was met is not said to be impossible, where there was anything to fit.
    if excesses.max() > 1e-9:
        assert tail.rate_at(1.0 + 0.999 * excesses.max()) > 0.0
