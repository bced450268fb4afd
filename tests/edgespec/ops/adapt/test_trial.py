"""What a new layer is worth: better only where chance does not explain it."""

import numpy as np
import pytest

from edgespec.ops.adapt.trial import Trial


def trial(rng: np.random.Generator, better_db: float, spread_db: float, n: int = 400) -> Trial:
    """Errors of 3 dB that rise and fall from second to second; the new layer's differ a little."""
    at_s = np.arange(n) / 20.0
    before = 3.0 + rng.normal(0.0, 0.5, n // 20 + 1)[np.arange(n) // 20]
    # What differs, differs for a second at a time.
    differs = rng.normal(0.0, spread_db, n // 20 + 1)[np.arange(n) // 20]
    return Trial(at_s, before, before - better_db + differs)


def test_a_small_gain_everywhere_is_better_whatever_the_traffic(rng: np.random.Generator) -> None:
    got = trial(rng, 0.01, 0.0)
    assert got.is_better
    assert got.difference.mean == pytest.approx(-0.01)
    assert got.before.high - got.before.low > 0.1


def test_nothing_and_worse_are_never_better(rng: np.random.Generator) -> None:
    assert not trial(rng, 0.0, 0.0).is_better
    assert not trial(rng, -0.01, 0.0).is_better
    assert not trial(rng, 0.01, 0.0, n=1).is_better


def test_chance_is_seldom_better(rng: np.random.Generator) -> None:
    """At 2.5% a side with twenty blocks: of 100 layers that are as good, ten would be too many."""
    found = sum(trial(rng, 0.0, 0.1).is_better for _ in range(100))
    assert found <= 9


def test_the_range_is_that_of_blocks_and_not_of_segments(rng: np.random.Generator) -> None:
    got = trial(rng, 0.0, 0.1, n=2000).difference
    # A hundred blocks of one value each: the standard error is a tenth of the spread.
    assert (got.high - got.low) / 2 == pytest.approx(1.96 * 0.01, rel=0.35)
    assert got.low <= got.mean <= got.high
