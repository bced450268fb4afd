"""What comes and stays is told from what fades or comes and goes (A5)."""

import numpy as np
import pytest
from scipy.signal import lfilter

from edgespec.observer.scoring.steps import change_in, largest_step, model_bias

N, BINS = 320, 24


def traffic(rng, fading_db: float = 1.0, memory: float = 0.9):
    """Rows of bins that fade by themselves, under a level that traffic moves by 10 dB."""
    noise = rng.normal(0.0, 1.0, (N, BINS))
    fading = lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], noise, axis=0)
    return -60.0 + fading_db * fading + 10.0 * rng.integers(0, 2, (N, 1))


@pytest.mark.parametrize("memory", [0.0, 0.9])
@pytest.mark.parametrize("fading_db", [0.3, 2.0, 6.0])
def test_a5_what_fades_all_along_is_no_change(rng, fading_db: float, memory: float) -> None:
    for _ in range(20):
        assert change_in(traffic(rng, fading_db, memory)) is None


def test_a5_bursts_of_a_late_user_are_no_change(rng) -> None:
    rows = traffic(rng)
    rows[N // 2 :, 5] += 15.0 * (rng.random(N - N // 2) < 0.7)
    assert change_in(rows) is None


@pytest.mark.parametrize("step_db", [8.0, -8.0, 30.0])
@pytest.mark.parametrize("at", [60, 160, 250])
def test_a5_a_step_is_found_where_it_is(rng, at: int, step_db: float) -> None:
    rows = traffic(rng)
    rows[at:, 7] += step_db
    change = change_in(rows)
    assert change is not None
    assert change.bin == 7
    assert abs(change.at - at) <= 3
    assert change.step_db * step_db > 0
    turned = change_in(rows[::-1])
    assert turned is not None
    assert turned.step_db == pytest.approx(-change.step_db, abs=1.0)


def test_a5_what_all_bins_do_has_no_bin(rng) -> None:
    rows = traffic(rng) + 25.0 * (np.arange(N)[:, None] >= 100)
    change = change_in(rows)
    assert change is not None
    assert change.bin is None
    assert change.at == 100


def test_a5_a_wide_interferer_is_found_although_the_median_moves_with_traffic(rng) -> None:
    """It lifts the median bin by a part of its step, among bursts of 10 dB."""
    rows = traffic(rng)
    rows[160:, :11] += 9.0
    rows[160:] += 3.5
    change = change_in(rows)
    assert change is not None
    assert change.bin is not None
    assert change.bin < 11


def test_too_few_segments_say_nothing(rng) -> None:
    rows = np.where(np.arange(11)[:, None] < 5, 0.0, 50.0) * (np.arange(BINS) == 3)
    assert change_in(rows) is None


def test_a_step_is_told_from_a_level(rng) -> None:
    before = rng.normal(-60.0, 3.0, BINS)
    after = before + 20.0
    after[4] -= 9.0
    step_db, bin_ = largest_step(before, after)
    assert (round(step_db, 6), bin_) == (-9.0, 4)


def test_a_model_s_bias_counts_in_the_spreads_of_its_bin(rng) -> None:
    errors_db = rng.normal(0.0, 0.1, (50, BINS))
    errors_db[:, 3] += 6.0
    errors_db[:, 9] += 9.0
    spread_db = np.where(np.arange(BINS) == 9, 9.0, 2.0)
    bias_db, spreads, bin_ = model_bias(errors_db - 30.0, spread_db)
    assert bin_ == 3
    assert bias_db == pytest.approx(6.0, abs=0.2)
    assert spreads == pytest.approx(3.0, abs=0.1)
    # What it expects too much of is no interferer.
    assert model_bias(-errors_db, spread_db)[0] < 1.0
