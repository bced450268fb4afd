"""The region of an anomaly is read off the error map within the resolution of a Hann taper."""

import numpy as np
import pytest

from edgespec.detect.normal import NormalMap
from edgespec.detect.regions import Region, find_regions, onset_of
from edgespec.records import FloatArray

N_BINS, N_HORIZON = 128, 25


def normal_map(rng: np.random.Generator) -> FloatArray:
    """Errors of a good forecast: the 1.41 dB floor of ten averages, with an offset per bin."""
    offset = np.sin(np.arange(N_BINS))
    return (rng.normal(0.0, 1.41, (N_HORIZON, N_BINS)) + offset).astype(np.float32)


def learnt(rng: np.random.Generator) -> NormalMap:
    normal = NormalMap(N_BINS)
    for _ in range(60):
        normal.add(normal_map(rng))
    return normal


def strongest(normal: NormalMap, error_db: FloatArray) -> Region:
    return find_regions(normal.standing(error_db))[0]


@pytest.mark.parametrize("excess_db", [6.0, 20.0, 45.0])
def test_a_tone_is_one_or_three_bins_wide(excess_db: float, rng: np.random.Generator) -> None:
    normal = learnt(rng)
    error_db = normal_map(rng)
    # A tone of this excess through a Hann taper: -6 dB beside the peak, -31.5 dB side lobes.
    for distance, level_db in ((0, 0.0), (1, -6.02), (2, -31.5), (3, -41.0)):
        rise_db = 10 * np.log10(1 + 10 ** ((excess_db + level_db) / 10))
        for bin_ in {70 - distance, 70 + distance}:
            error_db[:, bin_] += rise_db
    region = strongest(normal, error_db)
    assert region.peak_bin == 70
    assert 69 <= region.lower_bin <= region.upper_bin <= 71
    assert region.excess_db == pytest.approx(excess_db, abs=2.0)


@pytest.mark.parametrize("step_db", [4.0, 12.0, -8.0])
def test_a_wide_change_keeps_its_edges(step_db: float, rng: np.random.Generator) -> None:
    normal = learnt(rng)
    error_db = normal_map(rng)
    error_db[:, 30:81] += step_db
    region = strongest(normal, error_db)
    assert abs(region.lower_bin - 30) <= 1
    assert abs(region.upper_bin - 80) <= 1
    assert np.sign(region.excess_db) == np.sign(step_db)


def test_a_hole_of_two_bins_is_bridged_and_a_wide_one_is_not(rng: np.random.Generator) -> None:
    for hole, expected_upper in ((2, 60), (12, 49)):
        normal = learnt(rng)
        error_db = normal_map(rng)
        error_db[:, 40:61] += 12.0
        error_db[:, 45] += 3.0
        error_db[:, 50 : 50 + hole] -= 12.0
        assert strongest(normal, error_db).upper_bin == expected_upper


def test_the_first_frame_is_the_onset(rng: np.random.Generator) -> None:
    normal = learnt(rng)
    error_db = normal_map(rng)
    error_db[17:, 60:64] += 15.0
    assert onset_of(error_db, strongest(normal, error_db)) == 17


def test_before_anything_was_learnt_the_given_spread_counts(rng: np.random.Generator) -> None:
    spread_db = np.full(N_BINS, 0.5, np.float32)
    normal = NormalMap(N_BINS, spread_db, is_relative=True)
    error_db = np.zeros((N_HORIZON, N_BINS), np.float32)
    error_db[:, 10:14] = 5.0
    region = strongest(normal, error_db)
    assert (region.lower_bin, region.upper_bin) == (10, 13)


def test_two_places_are_two_regions_and_side_lobes_are_none(rng: np.random.Generator) -> None:
    normal = learnt(rng)
    error_db = normal_map(rng)
    error_db[:, 30:33] += 45.0
    error_db[:, 29] += 13.0
    error_db[:, 90:94] += 20.0
    found = find_regions(normal.standing(error_db))
    assert [(one.lower_bin, one.upper_bin) for one in found] == [(30, 32), (90, 93)]


def test_what_is_common_to_a_few_bins_is_no_loss_of_the_others(rng: np.random.Generator) -> None:
    """The map is what detectors leave that take away the mean: 40 bins of 25 dB cost 8 dB."""
    normal = NormalMap(N_BINS, is_relative=True, has_level=False)
    error_db = normal_map(rng)
    error_db[:, 30:70] += 25.0
    error_db -= error_db.mean(axis=1, keepdims=True)
    (region,) = find_regions(normal.standing(error_db))
    assert (region.lower_bin, region.upper_bin, region.sign) == (30, 69, 1)


@pytest.mark.parametrize("step_db", [3.0, 10.0, 20.0])
def test_a2_a_rise_of_the_whole_band_covers_it_beside_a_carrier(
    step_db: float, rng: np.random.Generator
) -> None:
    normal = learnt(rng)
    error_db = normal_map(rng) + np.float32(step_db)
    error_db[:, 60:65] -= step_db
    (region,) = find_regions(normal.standing(error_db))
    assert (region.lower_bin, region.upper_bin, region.sign) == (0, N_BINS - 1, 1)


def test_what_is_normal_moves_with_a_step(rng: np.random.Generator) -> None:
    normal = learnt(rng)
    normal.shift(3.0)
    standing = normal.standing(normal_map(rng) + np.float32(3.0))
    assert np.abs(standing.excess_db / standing.spread_db).max() < 6.0
    assert not standing.level_db
