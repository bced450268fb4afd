"""Laws of intervals: they hold the truth as often as they say, and know who the observers are."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import beta, poisson

from converter.lab.numbers.intervals import (
    LEVEL,
    Interval,
    bootstrap_by_observer,
    clopper_pearson,
    paired_difference,
    percentiles,
    poisson_rate,
    resampled_rows,
)
from edgespec.errors import UsageError


def width(interval: Interval) -> float:
    return interval.high - interval.low


def observers(rng: np.random.Generator, n: int, spread: float, n_rows: int = 30) -> list:
    """Rows of each observer around a mean of its own; the mean of all is 0."""
    return [spread * rng.normal() + rng.normal(size=n_rows) for _ in range(n)]


def test_the_text_of_an_interval() -> None:
    interval = Interval(0.9312, 0.9, 0.95)
    assert str(interval) == "0.931 [0.9, 0.95]"
    assert f"{interval:.1%}" == "93.1% [90.0%, 95.0%]"
    assert 0.92 in interval
    assert 0.96 not in interval
    assert interval.times(24).high == pytest.approx(22.8)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_the_bootstrap_holds_the_truth_as_often_as_it_says(
    rng: np.random.Generator, spread: float
) -> None:
    # Percentile intervals of 20 observers are a little too narrow: 92 to 93 % for 95 %. 300 trials
    # have a standard error of 1.5 %.
    hits = 0
    for _ in range(300):
        groups = observers(rng, 20, spread, 10)
        hits += 0.0 in bootstrap_by_observer(np.mean, groups, rng=rng, n=200)
    assert 0.88 <= hits / 300 <= 0.99


def test_who_ignores_the_observers_is_too_sure(rng: np.random.Generator) -> None:
    groups = observers(rng, 20, 1.0)
    by_observer = bootstrap_by_observer(np.mean, groups, rng=rng, n=400)
    rows = np.concatenate(groups)
    by_row = bootstrap_by_observer(np.mean, [[row] for row in rows], rng=rng, n=400)
    # Standard errors are sqrt(1/20 + 1/600) and sqrt(2/600).
    assert width(by_observer) > 2.5 * width(by_row)
    assert by_observer.value == pytest.approx(by_row.value)


def test_rows_that_hang_together_are_drawn_together(rng: np.random.Generator) -> None:
    runs = [np.repeat(rng.normal(size=20), 10) for _ in range(12)]
    one_by_one = bootstrap_by_observer(np.mean, runs, rng=rng, n=400)
    by_block = bootstrap_by_observer(np.mean, runs, rng=rng, n=400, block=10)
    # Variances between and within observers: 1/240 each with blocks, 1/240 and 1/2400 without.
    assert width(by_block) > 1.15 * width(one_by_one)


def test_a_resample_is_made_of_blocks_of_whole_observers(rng: np.random.Generator) -> None:
    lengths = [7, 4, 9]
    owner = np.repeat(np.arange(3), lengths)
    first = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    for _ in range(50):
        rows = resampled_rows(lengths, 3, rng)
        assert np.all((rows >= 0) & (rows < sum(lengths)))
        within = rows - first[owner[rows]]
        starts = np.flatnonzero(within % 3 == 0)
        for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
            block = rows[start:stop]
            assert np.all(np.diff(block) == 1)
            assert len(set(owner[block])) == 1


def test_an_observer_without_rows_does_not_count(rng: np.random.Generator) -> None:
    groups = observers(rng, 5, 0.5)
    one, two = (
        bootstrap_by_observer(np.mean, some, rng=np.random.default_rng(1), n=50)
        for some in (groups, [[], *groups, []])
    )
    assert one == two


def test_the_same_seed_gives_the_same_interval() -> None:
    groups = observers(np.random.default_rng(3), 8, 0.5)
    one, two = (
        bootstrap_by_observer(np.mean, groups, rng=np.random.default_rng(1), n=50) for _ in range(2)
    )
    assert one == two


def test_what_two_scorers_have_in_common_drops_out(rng: np.random.Generator) -> None:
    groups = observers(rng, 20, 3.0)
    better = [rows + 0.1 + 0.01 * rng.normal(size=len(rows)) for rows in groups]
    difference = paired_difference(np.mean, better, groups, rng=rng, n=300)
    assert difference.value == pytest.approx(0.1, abs=0.01)
    assert width(difference) < 0.01
    assert width(bootstrap_by_observer(np.mean, groups, rng=rng, n=300)) > 1.0
    back = paired_difference(np.mean, groups, better, rng=rng, n=300)
    assert back.value == -difference.value


def test_a_difference_takes_the_same_rows() -> None:
    one, two = [np.ones(3), np.ones(4)], [np.ones(4), np.ones(3)]
    with pytest.raises(UsageError, match="same rows of the same observers"):
        paired_difference(np.mean, one, two, rng=np.random.default_rng(0))


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
        (partial(bootstrap_by_observer, np.mean, [], rng=None), "0 observers"),
        (partial(bootstrap_by_observer, np.mean, [[]], rng=None), "no rows"),
        (partial(bootstrap_by_observer, np.mean, [[1.0]], rng=None, n=0), "at least 1"),
        (partial(bootstrap_by_observer, np.mean, [[1.0]], rng=None, block=0), "at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(call: partial, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()
