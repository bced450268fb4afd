"""Ten seconds of a band: quantiles of looks, by plain loops, and without an array a look."""

import numpy as np

from edgespec.detect.slow.looks import FLOOR, Looks
from tests import naive


def test_levels_are_those_of_plain_loops(rng: np.random.Generator) -> None:
    looks = Looks(12, 40)
    rows = rng.normal(-90.0, 6.0, (40, 12))
    for row in rows:
        # A horizon of two frames, whose mean in dB counts.
        looks.add(np.stack([row - 1.0, row + 1.0]).astype(np.float32))
    assert looks.is_full
    levels = looks.take()
    low, high = naive.low_and_high(rows)
    np.testing.assert_allclose(levels.low_dbfs, low, atol=1e-4)
    np.testing.assert_allclose(levels.high_dbfs, high, atol=1e-4)
    assert looks.is_empty


def test_a_step_of_the_gain_moves_what_was_heard_before_it() -> None:
    looks = Looks(4, 10)
    for number in range(10):
        if number == 5:
            looks.follow(6.0)
        looks.add(np.full((1, 4), -90.0 if number < 5 else -84.0, np.float32))
    levels = looks.take()
    assert set(levels.low_dbfs) == set(levels.high_dbfs) == {np.float32(-84.0)}


def test_what_is_there_now_and_then_is_high_and_not_low() -> None:
    looks = Looks(20, 100)
    for number in range(100):
        row = np.full((1, 20), -100.0, np.float32)
        row[0, 3] = -70.0 if number % 2 else -100.0
        looks.add(row)
    levels = looks.take()
    assert (levels.low_dbfs[3], levels.high_dbfs[3]) == (-100.0, -70.0)
    assert levels.high_dbfs[FLOOR] == -100.0
