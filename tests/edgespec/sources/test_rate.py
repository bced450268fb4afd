"""Samples that come against the clock (O6)."""

import pytest

from edgespec.sources.rate import MOST_QUEUED, RateWatch


@pytest.mark.parametrize(
    ("share", "n_slow"), [(0.5, 2), (1e-6, 2), (0.88, 2), (0.95, 0), (1.05, 0)]
)
def test_o6_the_rate_is_held_against_a_clock(share, n_slow):
    watch = RateWatch(1000.0, 1.0)
    lost = [watch.heard(share * 10.0, 0.01 * i) for i in range(202)]
    assert watch.n_slow == n_slow
    assert sum(lost) == pytest.approx((1 - share) * 1500 if n_slow else 0, abs=30)


def test_o6_a_link_that_stalls_and_catches_up_has_lost_nothing():
    watch = RateWatch(1000.0, 1.0)
    now_s = 0.0
    for _ in range(20):
        assert watch.heard(10, now_s) == 0
        now_s += 0.9
        # All that waited comes at once.
        assert [watch.heard(n, now_s) for n in (400, 490, 10)] == [0, 0, 0]
        now_s += 0.01
    assert watch.n_good >= 8


def test_o6_what_a_server_dropped_once_is_counted_once():
    watch = RateWatch(1000.0, 1.0)
    lost = [watch.heard(0 if 300 <= i < 350 else 10, 0.01 * i) for i in range(1000)]
    assert sum(lost) == pytest.approx(500, abs=20)
    assert sum(1 for n in lost if n) <= 2
    assert watch.n_slow == 0


@pytest.mark.parametrize("is_told", [False, True])
def test_a_little_that_was_lost_is_counted_where_the_radio_says_so(is_told: bool) -> None:
    """Five samples of a hundred are less than a slow link is judged by."""
    watch, n_lost = RateWatch(1000.0, 1.0), 0
    for i in range(1000):
        if i == 300 and is_told:
            watch.expect_loss()
        n_lost += watch.heard(0 if 300 <= i < 305 else 10, 0.01 * i)
    assert n_lost == (pytest.approx(50, abs=10) if is_told else 0)
    assert watch.n_slow == 0
    # Of a jitter of the next day nothing is said.
    later_s = 10.0
    for i in range(500):
        assert watch.heard(9 if i == 200 else 10, later_s + 0.01 * i) == 0


@pytest.mark.parametrize(
    ("share", "fast_after_s"),
    [(116.0, 0.02), (2.0, 1.2), (1.5, 2.6), (1.05, None), (1.0001, None), (0.5, None)],
)
def test_o6_more_than_a_radio_samples_is_noticed(share: float, fast_after_s: float | None) -> None:
    watch, now_s = RateWatch(1000.0, 1.0), 0.0
    while not watch.is_fast and now_s < 100.0:
        watch.heard(share, now_s)
        now_s += 0.001
    assert watch.is_fast is (fast_after_s is not None)
    if fast_after_s is not None:
        assert now_s <= fast_after_s
        # The windows before that were no good ones.
        assert watch.n_good == 0


@pytest.mark.parametrize("stall_s", [0.3, 3.0, 30.0, 3000.0])
@pytest.mark.parametrize("before_s", [0.5, 100.0])
def test_o6_a_burst_after_a_stall_is_no_flood(stall_s: float, before_s: float) -> None:
    """Whatever waited in buffers may come at once, again and again; a sample more may not."""
    watch, now_s = RateWatch(1000.0, 1.0), 0.0
    watch.restart(0.0)

    def play(seconds: float) -> None:
        nonlocal now_s
        for _ in range(round(100 * seconds)):
            watch.heard(10, now_s)
            now_s += 0.01

    play(before_s)
    for _ in range(4):
        now_s += stall_s
        for _ in range(10):
            watch.heard(100 * stall_s, now_s)
            now_s += 0.001
        play(5.0)
    assert not watch.is_fast
    watch.heard(1500, now_s)
    assert watch.is_fast


def test_o6_what_was_sampled_before_the_first_read_may_come_at_once() -> None:
    """An observer that compiles its kernels first finds a minute's samples in the buffers."""
    for is_known, n_waiting in ((True, 60_000), (True, 62_000), (False, 60_000)):
        watch = RateWatch(1000.0, 1.0)
        watch.restart(0.0 if is_known else None)
        watch.heard(1, 60.0)
        watch.heard(n_waiting, 60.0)
        assert watch.is_fast is not (is_known and n_waiting == 60_000)


def test_o6_what_was_lost_long_ago_does_not_excuse_a_flood() -> None:
    """A link that loses a twentieth for a week may bring no more than a buffer can hold."""
    watch, now_s = RateWatch(1e6, 1.0), 0.0
    for _ in range(7 * 24 * 360):
        watch.heard(9.5e6, now_s)
        now_s += 10.0
    assert not watch.is_fast
    n_more = 0
    while not watch.is_fast:
        watch.heard(100_000, now_s)
        n_more += 100_000
    assert n_more == pytest.approx(MOST_QUEUED + 1e6 + 5e5, abs=7e5)


def test_o6_a_fast_crystal_is_followed_for_ever() -> None:
    watch, now_s = RateWatch(1000.0, 1.0), 0.0
    for _ in range(200_000):
        watch.heard(100.05, now_s)
        now_s += 0.1
    assert not watch.is_fast
    assert watch.n_good > 10_000


def test_o6_a_restart_begins_anew() -> None:
    watch = RateWatch(1000.0, 1.0)
    for n in (1, 5000):
        watch.heard(n, 0.0)
    assert watch.is_fast
    watch.restart(1.0)
    assert not watch.is_fast
