"""Deviations of what is left of a cell as scores of a site, where noise rests and where not."""

import numpy as np
import pytest

from edgespec.detect.scan.deviation import Deviation
from edgespec.observer.cell.residual_scale import RESTLESS_SHARE, ResidualScale

N_WARMUP, N_SLOTS = 4_000, 13


def settled(rng: np.random.Generator, *, is_restless: bool) -> ResidualScale:
    """Return a scale behind a warm-up whose deviations are 3 with a spread of 1."""
    scale = ResidualScale(N_WARMUP)
    scale.is_restless = is_restless
    ratio = np.ones((N_SLOTS, 5), np.float32)
    for _ in range(N_WARMUP // N_SLOTS + 1):
        found = Deviation(rng.normal(3.0, 1.0), 1, 0, 4, 0.0, ratio)
        assert not scale.learn(found, N_SLOTS, has_reference=True)
    assert scale.is_settled
    return scale


def test_a_score_counts_from_what_is_usual_by_its_spread(rng: np.random.Generator) -> None:
    scale = settled(rng, is_restless=False)
    assert scale.apply(3.0).value == pytest.approx(0.0, abs=0.3)
    assert scale.apply(13.0).value == pytest.approx(10.0, rel=0.15)


def test_where_noise_moves_by_itself_a_deviation_counts_half(rng: np.random.Generator) -> None:
    calm = settled(np.random.default_rng(5), is_restless=False)
    restless = settled(np.random.default_rng(5), is_restless=True)
    for value in (1.0, 10.0, 60.0):
        assert restless.apply(value).value == RESTLESS_SHARE * calm.apply(value).value


def test_a_warm_up_anew_knows_nothing_of_it() -> None:
    scale = ResidualScale(N_WARMUP)
    scale.is_restless = True
    scale.begin()
    assert not scale.is_restless
