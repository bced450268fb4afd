"""What is left at an end of the windows is a neighbour's in step, once he is known there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.observer.cell.window_ends import WindowEnds

#: A hop at 1.92 MS/s has 13 slots, and some 90 prefixes.
N_SLOTS, N_PREFIXES = 13, 90.0


def chance(rng: np.random.Generator, n_window: int) -> NDArray[np.float64]:
    return rng.gamma(N_PREFIXES, 1.0 / N_PREFIXES, n_window)


def ends_of(n_window: int) -> tuple[slice, slice]:
    n_end = round(0.2 * n_window)
    return slice(0, n_end), slice(n_window - n_end, n_window)


def beside(end: slice, n_window: int, hops: int = 100, share: float = 1.0) -> WindowEnds:
    """Return what was learnt beside a neighbour who was heard at an end in a share of hops."""
    rng, ends = np.random.default_rng(3), WindowEnds()
    for number in range(hops):
        left = chance(rng, n_window)
        if number % round(1.0 / share) == 0:
            left[end] *= 5.0
        ends.learn(left, 4 * N_SLOTS)
    return ends


@pytest.mark.parametrize("n_window", [5, 12, 47])
@pytest.mark.parametrize("excess", [0.8, 2.0, 30.0])
@pytest.mark.parametrize("which", [0, 1])
def test_a_known_neighbour_explains_what_is_at_his_end(
    n_window: int, excess: float, which: int
) -> None:
    rng, own = np.random.default_rng(5), ends_of(n_window)[which]
    ends = beside(own, n_window, share=0.25)
    for _ in range(200):
        left = np.ones(n_window)
        left[own] += excess * n_window / (own.stop - own.start)
        assert ends.explain(left * chance(rng, n_window), 1.0)
        assert not ends.explain((1.0 + excess) * chance(rng, n_window), 1.0)


def test_who_comes_to_the_other_end_or_to_one_where_nobody_was_is_told() -> None:
    """A base station that is new, and in step to 1 us, as one that deceives may be."""
    begin, end = ends_of(5)
    left = np.array([1.0, 1.0, 1.0, 1.0, 12.0])
    assert beside(end, 5).explain(left, 1.0)
    assert not beside(begin, 5).explain(left, 1.0)
    assert not beside(end, 5, share=0.01).explain(left, 1.0)
    assert not WindowEnds().explain(left, 1.0)


def test_a_stranger_beside_what_is_left_at_an_end_is_told() -> None:
    ends = beside(slice(4, 5), 5)
    left = np.full(5, 4.0)
    left[4] += 10.0
    assert not ends.explain(left, 1.0)
    left[4] += 20.0
    assert ends.explain(left, 1.0)


def test_neighbours_may_be_at_both_ends() -> None:
    ends, rng = WindowEnds(), np.random.default_rng(4)
    for _ in range(100):
        ends.learn(chance(rng, 5) * [3.0, 1.0, 1.0, 1.0, 3.0], 4 * N_SLOTS)
    for left in ([9.0, 1.0, 1.0, 1.0, 9.0], [9.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 9.0]):
        assert ends.explain(np.array(left), 1.0)
    assert not ends.explain(np.full(5, 5.0), 1.0)


def test_a_neighbour_who_is_gone_is_forgotten_in_time() -> None:
    ends, rng = beside(slice(4, 5), 5), np.random.default_rng(6)
    left = np.array([1.0, 1.0, 1.0, 1.0, 12.0])
    for _ in range(10):
        ends.learn(chance(rng, 5), 32 * N_SLOTS)
    assert ends.explain(left, 1.0)
    for _ in range(1000):
        ends.learn(chance(rng, 5), 32 * N_SLOTS)
    assert not ends.explain(left, 1.0)


def test_one_hop_alone_makes_nobody_known() -> None:
    ends, rng = WindowEnds(), np.random.default_rng(7)
    for number in range(60):
        left = chance(rng, 5)
        left[4] *= 1e6 if number == 50 else 1.0
        ends.learn(left, 4 * N_SLOTS)
    assert not ends.explain(np.array([1.0, 1.0, 1.0, 1.0, 12.0]), 1.0)


def test_nothing_is_learnt_or_told_of_hops_without_prefixes() -> None:
    ends = beside(slice(4, 5), 5)
    for nothing in (np.full(5, np.nan), np.zeros(5), np.full(5, np.inf)):
        ends.learn(nothing, 4 * N_SLOTS)
        assert not ends.explain(nothing, 1.0)
    assert ends.explain(np.array([1.0, 1.0, 1.0, 1.0, 12.0]), 1.0)
    assert not ends.explain(np.full(12, 1.0), 1.0)
