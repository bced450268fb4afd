"""Laws of intervals: they hold the truth as often as they say."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import beta, poisson

from converter.lab.numbers.intervals import (
    LEVEL,
    Interval,
    clopper_pearson,
    percentiles,
    poisson_rate,
)
from edgespec.errors import UsageError


def width(interval: Interval) -> float:
    return interval.high - interval.low


def test_the_text_of_an_interval() -> None:
    interval = Interval(0.9312, 0.9, 0.95)
    assert str(interval) == "0.931 [0.9, 0.95]"
    assert f"{interval:.1%}" == "93.1% [90.0%, 95.0%]"
    assert 0.92 in interval
    assert 0.96 not in interval
    assert interval.times(24).high == pytest.approx(22.8)


def test_draws_without_a_figure_are_left_out() -> None:
    interval = percentiles(0.5, [np.nan, 0.4, 0.6, np.nan])
    assert interval.low == pytest.approx(0.4, abs=0.01)
    assert np.isnan(percentiles(0.5, [np.nan]).low)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (37, 12_345)])
def test_clopper_pearson_is_made_of_beta_quantiles(k: int, n: int) -> None:
    interval = clopper_pearson(k, n)
    tail = (1 - LEVEL) / 2
    low = beta.ppf(tail, k, n - k + 1) if k else 0.0
    high = beta.ppf(1 - tail, k + 1, n - k) if k < n else 1.0
    assert (interval.value, interval.low, interval.high) == pytest.approx((k / n, low, high))


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.5])
def test_clopper_pearson_is_never_too_narrow(rng: np.random.Generator, rate: float) -> None:
    counts = rng.binomial(200, rate, 1000)
    intervals = {k: clopper_pearson(int(k), 200) for k in set(counts.tolist())}
    # At least 95 %, but for the standard error of 0.7 % of 1000 trials.
    assert np.mean([rate in intervals[int(k)] for k in counts]) >= LEVEL - 0.02


def test_a_rate_of_events_is_exact() -> None:
    interval = poisson_rate(4, 2.0)
    tail = (1 - LEVEL) / 2
    assert interval.value == 2.0
    assert poisson.sf(3, interval.low * 2.0) == pytest.approx(tail)
    assert poisson.cdf(4, interval.high * 2.0) == pytest.approx(tail)


def test_no_event_is_the_rule_of_three() -> None:
    interval = poisson_rate(0, 72.0).times(24)
    assert (interval.value, interval.low) == (0.0, 0.0)
    # Three days without an event: at most one a day.
    assert interval.high == pytest.approx(1.0, abs=0.002)


def test_more_time_makes_it_surer_and_more_events_raise_it() -> None:
    assert width(poisson_rate(30, 30.0)) < width(poisson_rate(3, 3.0))
    highs = [poisson_rate(k, 1.0).high for k in range(10)]
    assert highs == sorted(highs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(clopper_pearson, 3, 2), "3 of 2"),
        (partial(clopper_pearson, 0, 0), "0 of 0"),
        (partial(poisson_rate, 1, 0.0), "time must be positive"),
        (partial(poisson_rate, -1, 1.0), "-1 events"),
    ],
)
def test_what_makes_no_sense_is_refused(call: partial, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()
