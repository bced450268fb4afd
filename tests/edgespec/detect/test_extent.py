"""The extent of an anomaly is read off the error map within the resolution of a Hann taper."""

import numpy as np
import pytest

from edgespec.detect.extent import ExtentFinder
from edgespec.records import FloatArray

N_BINS, N_HORIZON = 128, 25


def normal_map(rng: np.random.Generator) -> FloatArray:
    """Errors of a good forecast: the 1.41 dB floor of ten averages, with an offset per bin."""
    offset = np.sin(np.arange(N_BINS))
    return (rng.normal(0.0, 1.41, (N_HORIZON, N_BINS)) + offset).astype(np.float32)


def trained_finder(rng: np.random.Generator) -> ExtentFinder:
    finder = ExtentFinder(N_BINS)
    for _ in range(60):
        finder.add_normal(normal_map(rng))
    finder.start_event()
    return finder


@pytest.mark.parametrize("excess_db", [6.0, 20.0, 45.0])
def test_a_tone_is_one_or_three_bins_wide(excess_db: float, rng: np.random.Generator) -> None:
    finder = trained_finder(rng)
    error_db = normal_map(rng)
    # A tone of this excess through a Hann taper: -6 dB beside the peak, -31.5 dB side lobes.
    for distance, level_db in ((0, 0.0), (1, -6.02), (2, -31.5), (3, -41.0)):
        rise_db = 10 * np.log10(1 + 10 ** ((excess_db + level_db) / 10))
        for bin_ in {70 - distance, 70 + distance}:
            error_db[:, bin_] += rise_db
    extent = finder.add_event(error_db)
    assert extent.peak_bin == 70
    assert 69 <= extent.lower_bin <= extent.upper_bin <= 71
    assert extent.excess_db == pytest.approx(excess_db, abs=2.0)


@pytest.mark.parametrize("step_db", [4.0, 12.0, -8.0])
def test_a_wide_change_keeps_its_edges(step_db: float, rng: np.random.Generator) -> None:
    finder = trained_finder(rng)
    extent = None
    for _ in range(4):
        error_db = normal_map(rng)
        error_db[:, 30:81] += step_db
        extent = finder.add_event(error_db)
    assert extent is not None
    assert abs(extent.lower_bin - 30) <= 1
    assert abs(extent.upper_bin - 80) <= 1
    assert np.sign(extent.excess_db) == np.sign(step_db)


def test_a_hole_of_two_bins_is_bridged_and_a_wide_one_is_not(rng: np.random.Generator) -> None:
    for hole, expected_upper in ((2, 60), (12, 49)):
        finder = trained_finder(rng)
        error_db = normal_map(rng)
        error_db[:, 40:61] += 12.0
        error_db[:, 45] += 3.0
        error_db[:, 50 : 50 + hole] -= 12.0
        assert finder.add_event(error_db).upper_bin == expected_upper


def test_the_first_frame_is_the_onset(rng: np.random.Generator) -> None:
    finder = trained_finder(rng)
    error_db = normal_map(rng)
    error_db[17:, 60:64] += 15.0
    assert finder.add_event(error_db).first_frame == 17


def test_before_anything_was_learnt_the_given_spread_counts(rng: np.random.Generator) -> None:
    spread_db = np.full(N_BINS, 0.5, np.float32)
    finder = ExtentFinder(N_BINS, spread_db)
    error_db = np.zeros((N_HORIZON, N_BINS), np.float32)
    error_db[:, 10:14] = 5.0
    extent = finder.add_event(error_db)
    assert (extent.lower_bin, extent.upper_bin) == (10, 13)
