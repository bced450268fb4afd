"""When everything moves alike it is the receiver's gain, and only then."""

import numpy as np
import pytest

from edgespec.detect.gain import gain_step_db
from edgespec.detect.normal import NormalMap
from edgespec.records import FloatArray

N_BINS, N_GUARD = 128, 8


def horizon(rng: np.random.Generator, step_db: float = 0.0) -> FloatArray:
    """Bursts of traffic that lift all but the guard bins by up to 15 dB, each bin with its own."""
    row = -55.0 + rng.normal(0.0, 0.2, N_BINS)
    row[N_GUARD:-N_GUARD] += 12.0 + rng.uniform(-10.0, 5.0) + rng.normal(0.0, 1.5, N_BINS - 16)
    return np.tile(row + step_db, (25, 1)).astype(np.float32)


@pytest.fixture
def normal(rng: np.random.Generator) -> NormalMap:
    found = NormalMap(N_BINS)
    for _ in range(100):
        found.add(horizon(rng))
    return found


@pytest.mark.parametrize("step_db", [-6.0, -3.0, 3.0, 6.0])
def test_a7_what_moves_everything_alike_is_a_step_of_the_gain(
    normal: NormalMap, rng: np.random.Generator, step_db: float
) -> None:
    found = [gain_step_db(normal, horizon(rng, step_db)) for _ in range(50)]
    told = [value for value in found if value is not None]
    assert len(told) > 40
    assert told == pytest.approx([step_db] * len(told), abs=0.3)


@pytest.mark.parametrize("n_bins", [1, 5, 17, 40])
def test_an_interferer_that_leaks_everywhere_is_no_step_of_the_gain(
    normal: NormalMap, rng: np.random.Generator, n_bins: int
) -> None:
    """It lies within the spread that traffic gives each bin, and lifts the floor by what leaks."""
    for _ in range(50):
        heard = horizon(rng, 2.2)
        heard[:, 70 : 70 + n_bins] += 15.0
        assert gain_step_db(normal, heard) is None


def test_normal_traffic_is_no_step(normal: NormalMap, rng: np.random.Generator) -> None:
    assert [gain_step_db(normal, horizon(rng)) for _ in range(100)] == [None] * 100
