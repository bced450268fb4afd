"""Laws of thresholds that keep to what is bearable of events."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from edgespec.detect.budget import MOST_RAISED, Budget, chance_of, limits_within
from edgespec.detect.rules import EventRules
from edgespec.records import Score
from tests import naive

DAY_S = 86_400.0
USUAL = {"residual": 12.0, "zscore": 6.0}
RULES, HOP_S = EventRules(2, 3, hold_off_s=0.5), 0.1


def scores(residual: float, zscore: float = 0.0) -> tuple[Score, ...]:
    return Score("residual", residual), Score("zscore", zscore)


def burst(budget: Budget, score: float, hops: int = 3) -> bool:
    """Play a burst and the quiet time behind it; return whether thresholds became others."""
    changed = [budget.add(scores(score), by_one=False) for _ in range(hops)]
    changed += [budget.add(scores(1.0), by_one=False) for _ in range(7)]
    return any(changed)


def quiet(budget: Budget, seconds: float) -> bool:
    changed = [budget.add(scores(1.0), by_one=False) for _ in range(round(seconds / HOP_S))]
    return any(changed)


@given(st.integers(0, 60), st.floats(1e-3, 40.0))
def test_the_chance_of_so_many_events_is_that_of_poisson(n_events, expected):
    assert chance_of(n_events, expected) == pytest.approx(
        poisson.sf(n_events - 1, expected), abs=1e-9
    )


def test_no_threshold_is_raised_by_fewer_events_than_a_day_may_have():
    few = {"residual": [50.0] * 4, "zscore": []}
    assert limits_within(5.0, USUAL, few, 60.0) == {}
    assert set(limits_within(5.0, USUAL, {**few, "residual": [50.0] * 5}, 60.0)) == {"residual"}
    # However few are bearable: one or two say nothing.
    assert limits_within(0.1, USUAL, {"residual": [50.0] * 2}, 60.0) == {}


def test_events_that_the_budget_allows_raise_nothing():
    # Half a share of 10 a day in ten days, then four times a share.
    for per_detector, is_raised in ((25, False), (50, False), (200, True)):
        exceeded = {"residual": [13.0] * per_detector}
        assert bool(limits_within(10.0, USUAL, exceeded, 10 * DAY_S)) == is_raised


@given(st.floats(0.2, 3.0), st.integers(40, 4000))
def test_a_raised_threshold_is_exceeded_as_often_as_its_share(scale, a_day):
    """The law: an exponential tail above the usual threshold, heard for a day."""
    over = -scale * np.log((np.arange(a_day) + 0.5) / a_day)
    raised = limits_within(10.0, USUAL, {"residual": list(12.0 + over)}, DAY_S)
    share = 10.0 / len(USUAL)
    mean = float(over.mean())
    expected = 12.0 + mean * math.log(a_day / share)
    assert raised["residual"] == pytest.approx(min(expected, MOST_RAISED * 12.0))


def test_no_threshold_is_raised_above_four_times_the_usual_one():
    raised = limits_within(1.0, USUAL, {"zscore": [1e6] * 50}, 600.0)
    assert raised == {"zscore": MOST_RAISED * 6.0}


@pytest.mark.parametrize("by_one", [False, True])
def test_events_are_counted_as_by_the_plain_version(rng, by_one):
    """Bursts of random lengths and heights, some a single hop, some that stay."""
    values = rng.exponential(5.0, 6000)
    for start in rng.integers(0, 5500, 40):
        values[start : start + rng.integers(1, 30)] += rng.uniform(5.0, 60.0)
    values[3000:3400] = 40.0
    values[-10:] = 0.0
    budget = Budget(1e9, RULES, HOP_S, USUAL)
    for value in values:
        budget.add(scores(float(value)), by_one=by_one)
    expected = naive.exceedances(values, 12.0, RULES, HOP_S, by_one=by_one, stays_s=30.0, most=48.0)
    assert budget.exceeded("residual") == pytest.approx(expected)
    assert len(expected) > 20
    assert budget.exceeded("zscore") == []


def test_events_beyond_the_budget_raise_the_threshold_and_quiet_hours_lower_it():
    budget = Budget(5.0, RULES, HOP_S, USUAL)
    assert not quiet(budget, 60.0)
    for number in range(4):
        assert not burst(budget, 12.1 + 0.1 * number)
    assert burst(budget, 12.5)
    first = budget.raised["residual"]
    assert 12.5 < first < MOST_RAISED * 12.0
    assert set(budget.raised) == {"residual"}
    # What is above the usual threshold, and below that in force, goes on to count.
    assert burst(budget, 12.6)
    assert budget.raised["residual"] > first
    assert quiet(budget, 6 * 3600.0)
    assert not budget.raised


def test_who_stays_for_half_a_minute_raises_nothing():
    budget = Budget(5.0, RULES, HOP_S, USUAL)
    for _ in range(10):
        burst(budget, 30.0, hops=300)
    assert not budget.raised
    for _ in range(10):
        burst(budget, 30.0, hops=290)
    assert budget.raised


@pytest.mark.parametrize("n_before", [1, 6])
def test_what_was_called_normal_raises_nothing(n_before):
    """Told just before the run of its detector ends, or just behind."""
    budget = Budget(5.0, RULES, HOP_S, USUAL)
    for _ in range(10):
        for _ in range(3):
            budget.add(scores(30.0), by_one=False)
        for hop in range(10):
            budget.add(scores(1.0), by_one=False)
            if hop == n_before:
                budget.forgive("residual")
    assert budget.exceeded("residual") == []
    budget.forgive("clipped")  # Trouble of the receiver is counted by nobody.


def test_who_is_so_strong_that_no_threshold_hides_him_raises_nothing():
    budget = Budget(5.0, RULES, HOP_S, USUAL)
    for _ in range(20):
        burst(budget, MOST_RAISED * 12.0)
    assert budget.exceeded("residual") == []
    for _ in range(5):
        burst(budget, MOST_RAISED * 12.0 - 0.1)
    assert budget.in_force == {**USUAL, **budget.raised}
    assert budget.in_force != USUAL
