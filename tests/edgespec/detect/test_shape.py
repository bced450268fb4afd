"""Laws of shapes: bounded, without a unit of level, without a place, and right by construction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgespec.detect.shape import SHAPE, shape_of
from edgespec.records import FloatArray
from tests import naive

N_ROWS, N_BINS = 100, 64
NORMAL: FloatArray = np.ones(N_BINS, np.float32)


def noise(rng: np.random.Generator) -> FloatArray:
    return rng.exponential(1.0, (N_ROWS, N_BINS)).astype(np.float32)


def shape(power: FloatArray, lower: int = 10, upper: int = 49) -> dict[str, float]:
    return dict(zip(SHAPE, shape_of(power, NORMAL, lower, upper).tolist(), strict=True))


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float32, (7, 9), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)),
    arrays(np.float32, 9, elements=st.floats(width=32, allow_nan=True, allow_infinity=True)),
    st.integers(0, 8),
    st.integers(0, 8),
)
def test_every_number_lies_within_0_and_1(
    power: FloatArray, normal: FloatArray, one: int, other: int
) -> None:
    found = shape_of(power, normal, min(one, other), max(one, other))
    assert found.shape == (len(SHAPE),)
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert (found <= 1.0).all()


def test_a_gain_changes_nothing(rng: np.random.Generator) -> None:
    power = noise(rng)
    power[:, 20:30] *= 50.0
    for gain in (1e-9, 1e6):
        scaled = shape_of(power * np.float32(gain), NORMAL * np.float32(gain), 10, 49)
        np.testing.assert_allclose(scaled, shape_of(power, NORMAL, 10, 49), atol=1e-4)


def test_a_shift_in_frequency_changes_nothing(rng: np.random.Generator) -> None:
    power = noise(rng)
    power[:, 20:30] *= 50.0
    for by in (-10, 3, 14):
        moved = shape_of(np.roll(power, by, axis=1), NORMAL, 10 + by, 49 + by)
        np.testing.assert_array_equal(moved, shape_of(power, NORMAL, 10, 49))


def test_nothing_added_is_nothing(rng: np.random.Generator) -> None:
    power = np.minimum(noise(rng), 1.0)
    assert not shape_of(power, NORMAL, 0, N_BINS - 1).any()


def test_a_tone_stands_still_and_fills_a_bin(rng: np.random.Generator) -> None:
    power = noise(rng)
    power[:, 30] += 1e4
    found = shape(power)
    assert found["still"] == 1.0
    assert found["concentration"] > 0.95
    assert found["width"] < 0.05
    assert found["steadiness"] > 0.95
    assert found["bin-kurtosis"] < 0.02


def test_noise_fills_its_region_and_has_the_kurtosis_of_noise(rng: np.random.Generator) -> None:
    found = shape(1e4 * noise(rng))
    assert found["bin-kurtosis"] == pytest.approx(0.1, abs=0.02)
    assert found["fill"] > 0.4
    assert found["one-way"] < 0.3
    assert found["even"] < 0.3


@pytest.mark.parametrize("slope", [1, 2, 3])
def test_a_chirp_moves_one_way_and_evenly(slope: int, rng: np.random.Generator) -> None:
    power = noise(rng)
    power[np.arange(N_ROWS), 10 + slope * np.arange(N_ROWS) % 40] += 1e4
    found = shape(power)
    assert found["one-way"] > 0.8
    assert found["even"] == 1.0
    assert found["places"] >= 0.5
    assert found["slope"] == pytest.approx(np.log2(1 + slope) / 10.0, abs=1e-3)


@pytest.mark.parametrize(("period", "duty"), [(10, 0.3), (25, 0.2), (50, 0.5)])
def test_pulses_are_silent_in_between(period: int, duty: float, rng: np.random.Generator) -> None:
    power = noise(rng)
    power[np.arange(N_ROWS) % period < duty * period, 30] += 1e4
    found = shape(power)
    assert found["silence"] == pytest.approx(1.0 - duty, abs=0.02)
    assert found["burst"] == pytest.approx(np.log2(duty * period) / 10.0, abs=0.01)
    assert found["flips"] == pytest.approx(2.0 / period, abs=0.011)


def test_a_hop_stays_and_then_is_elsewhere(rng: np.random.Generator) -> None:
    power = noise(rng)
    places = 10 + 7 * rng.permutation(5)
    power[np.arange(N_ROWS), places[np.arange(N_ROWS) // 5 % 5]] += 1e4
    found = shape(power)
    assert 0.7 < found["still"] < 0.9
    assert found["dwell"] == pytest.approx(np.log2(99 / 20) / 10.0, abs=0.01)
    assert found["places"] == pytest.approx(5 / 40)
    assert found["one-way"] < 0.8


def test_the_loops_say_the_same(rng: np.random.Generator) -> None:
    power = noise(rng)
    power[rng.random(N_ROWS) < 0.4, 20:30] *= 300.0
    expected = naive.shape_of(power, NORMAL, 10, 49)
    found = shape(power)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-5), name
