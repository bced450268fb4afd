"""What the detector for any band computes, compiled and not, is what the plainest loops say."""

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic
from edgespec.detect.any_band.runs import n_runs, widths_of
from edgespec.records import FloatArray
from tests import naive


def frames(rng: np.random.Generator, n_frames: int, n_bins: int) -> FloatArray:
    return rng.normal(-90.0, 5.0, (n_frames, n_bins)).astype(np.float32)


@pytest.mark.parametrize("computing", list(Computing))
@pytest.mark.parametrize(("n_frames", "n_bins"), [(25, 128), (25, 20), (9, 5), (3, 1), (90, 30)])
def test_peaks_and_floors_are_those_of_sorted_runs(
    rng: np.random.Generator, computing: Computing, n_frames: int, n_bins: int
) -> None:
    power_db, widths = frames(rng, n_frames, n_bins), widths_of(n_bins)
    levels_db = np.full((4, n_runs(n_bins)), np.nan, np.float32)
    lowest_db, sums = np.zeros(n_runs(n_bins), np.float32), np.zeros((n_frames + 1, n_bins + 1))
    open_arithmetic(computing).levels(power_db, widths, sums, lowest_db, levels_db)
    # Levels of -90 dB in float32 are known to 8e-6.
    expected = naive.any_band_levels(power_db, widths.tolist())
    np.testing.assert_allclose(levels_db, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("computing", list(Computing))
def test_the_farthest_is_that_of_its_part(rng: np.random.Generator, computing: Computing) -> None:
    levels_db, highest_db = frames(rng, 4, 60), frames(rng, 4, 60)
    above_db = np.zeros(2)
    open_arithmetic(computing).farthest(levels_db, highest_db, above_db)
    difference = levels_db - highest_db
    assert above_db.tolist() == [difference[[0, 2]].max(), difference[[1, 3]].max()]
