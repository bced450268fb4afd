"""Samples that are missing between two reads, by stamps of a counter and of bad clocks."""

import numpy as np
import pytest

from edgespec.sources.soapy.stamps import Stamps


@pytest.mark.parametrize("rate_hz", [250e3, 1.92e6, 2_400_000.37, 61.44e6])
def test_every_gap_is_counted_to_the_sample(rng: np.random.Generator, rate_hz: float) -> None:
    """Stamps are whole nanoseconds, and an hour of them adds nothing up."""
    stamps, place, now_s = Stamps(rate_hz), 3_600 * rate_hz, 0.0
    for index in range(2000):
        n_lost = int(rng.integers(0, 3)) * int(rng.integers(1, 5000))
        n = int(rng.integers(1, 20_000))
        place, now_s = place + n_lost, now_s + (n + n_lost) / rate_hz
        found = stamps.lost(round(place / rate_hz * 1e9), n, now_s)
        assert found == ((n_lost, True) if index else (0, True))
        place += n


def test_an_overflow_is_at_least_one_sample() -> None:
    without = Stamps(1e6)
    without.overflow()
    assert without.lost(None, 10, 0.0) == (1, False)
    assert without.lost(None, 10, 0.0) == (0, True)
    stamped = Stamps(1e6)
    assert stamped.lost(0, 10, 0.0) == (0, True)
    stamped.overflow()
    assert stamped.lost(1_010_000, 10, 1.0) == (1000, True)
    stamped.overflow()
    # It says that it lost something, whatever its stamps say.
    assert stamped.lost(1_020_000, 10, 1.0) == (1, True)


def test_where_nothing_was_heard_before_nobody_knows() -> None:
    stamps = Stamps(1e6)
    stamps.overflow()
    assert stamps.lost(5_000_000, 10, 0.0) == (1, False)


@pytest.mark.parametrize("step_ns", [-1_000, -(10**15), 10**13])
def test_a_clock_that_steps_is_not_believed_again(step_ns: int) -> None:
    stamps = Stamps(1e6)
    stamps.lost(0, 10, 0.0)
    assert stamps.lost(10_000 + step_ns, 10, 1e-5) == (0, True)
    assert stamps.lost(10_000 + step_ns + 1_000_000, 10, 2e-5) == (0, True)
    stamps.overflow()
    assert stamps.lost(10_000 + step_ns + 9_000_000, 10, 3e-5) == (1, False)


def test_a_read_without_a_stamp_tells_nothing_of_the_next() -> None:
    stamps = Stamps(1e6)
    stamps.lost(0, 10, 0.0)
    assert stamps.lost(None, 10, 0.0) == (0, True)
    assert stamps.lost(5_000_000, 10, 0.0) == (0, True)
