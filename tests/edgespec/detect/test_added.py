"""Laws of what an event adds: its edges do not depend on how strong it is, nor on what it hides."""

import numpy as np
import pytest

from edgespec.detect.added import FrameMeans, NormalPower
from edgespec.detect.regions import Region
from edgespec.records import FloatArray
from tests import naive

N_BINS = 96
WHOLE = Region(0, N_BINS - 1, 0, 1, 0.0)
#: A carrier in the middle, 25 dB above the noise beside it.
SHAPE: FloatArray = np.full(N_BINS, 1e-6, np.float32)
SHAPE[20:76] = 3e-4


def learnt(rng: np.random.Generator, least_ratio: float = 1.0, n_rows: int = 64) -> NormalPower:
    normal = NormalPower(N_BINS, least_ratio)
    for _ in range(n_rows):
        normal.add((SHAPE * rng.gamma(40.0, 1 / 40.0, N_BINS)).astype(np.float32))
    return normal


def rows_with(rng: np.random.Generator, lower: int, upper: int, level: float) -> FloatArray:
    rows = SHAPE * rng.gamma(40.0, 1 / 40.0, (8, N_BINS))
    rows[:, lower : upper + 1] += level * rng.gamma(40.0, 1 / 40.0, (8, upper - lower + 1))
    return rows.mean(axis=0).astype(np.float32)


@pytest.mark.parametrize("n_frames", [4, 16, 25])
def test_means_are_those_of_the_plainest_loops(rng: np.random.Generator, n_frames: int) -> None:
    means = FrameMeans(N_BINS)
    for _ in range(5):
        target_dbfs = rng.normal(-60.0, 8.0, (n_frames, N_BINS)).astype(np.float32)
        means.take(target_dbfs)
        power, quiet = naive.frame_means(target_dbfs, max(n_frames // 8, 1))
        np.testing.assert_allclose(means.power, power, rtol=1e-5)
        np.testing.assert_allclose(means.quiet, quiet, rtol=1e-5)


def test_quiet_frames_are_the_cells_pauses_whatever_a_narrow_pulse_does(
    rng: np.random.Generator,
) -> None:
    target_dbfs = rng.normal(-35.0, 1.0, (24, N_BINS)).astype(np.float32)
    target_dbfs[9:12] = -60.0
    # 30 dB above the cell, in the pauses and in half of all other frames.
    target_dbfs[::2, 40:60] = target_dbfs[9:12, 40:60] = -5.0
    means = FrameMeans(N_BINS)
    means.take(target_dbfs)
    np.testing.assert_allclose(10 * np.log10(means.quiet[:40]), -60.0, atol=0.01)
    np.testing.assert_allclose(10 * np.log10(means.quiet[40:60]), -5.0, atol=0.01)


@pytest.mark.parametrize("level_db", [10, 20, 40, 60])
def test_edges_do_not_depend_on_the_level_nor_on_what_is_below(
    rng: np.random.Generator, level_db: int
) -> None:
    normal = learnt(rng)
    level = float(SHAPE.max()) * 10 ** (level_db / 10)
    for _ in range(20):
        lower = int(rng.integers(0, N_BINS - 30))
        upper = lower + int(rng.integers(0, 30))
        region = normal.region(rows_with(rng, lower, upper, level), 8, WHOLE)
        assert region is not None
        assert (region.lower_bin, region.upper_bin, region.sign) == (lower, upper, 1)
        assert lower <= region.peak_bin <= upper


def test_what_clipping_makes_beside_a_wide_signal_is_no_part_of_it(
    rng: np.random.Generator,
) -> None:
    row = rows_with(rng, 30, 59, 1.0)
    for lower, upper in ((10, 29), (60, 79)):
        row[lower : upper + 1] += np.float32(10 ** (-0.8))
    region = learnt(rng).region(row, 8, WHOLE)
    assert region is not None
    assert (region.lower_bin, region.upper_bin) == (30, 59)


def test_nothing_added_has_no_place(rng: np.random.Generator) -> None:
    normal = learnt(rng)
    assert all(normal.region(rows_with(rng, 0, 0, 0.0), 8, WHOLE) is None for _ in range(50))
    assert NormalPower(N_BINS, 1.0).region(rows_with(rng, 3, 9, 1.0), 8, WHOLE) is None


def test_a_place_is_looked_for_where_it_is_asked_for(rng: np.random.Generator) -> None:
    row = rows_with(rng, 30, 35, 0.1)
    row[70:73] += 1.0
    region = learnt(rng).region(row, 8, Region(25, 50, 40, 1, 0.0))
    assert region is not None
    assert (region.lower_bin, region.upper_bin) == (30, 35)


def test_the_spread_of_means_falls_as_far_as_traffic_allows(rng: np.random.Generator) -> None:
    quick, slow = NormalPower(N_BINS, 1.0), NormalPower(N_BINS, 1.0)
    load = np.repeat(rng.uniform(0.2, 2.0, 16), 8)
    for row in range(128):
        noise = rng.gamma(10.0, 0.1, N_BINS).astype(np.float32)
        quick.add(noise)
        slow.add(np.float32(load[row]) * np.ones(N_BINS, np.float32))
    for n_segments in (4, 16, 32):
        assert quick.shrink(n_segments) == pytest.approx(n_segments**-0.5, rel=0.2)
    assert slow.shrink(8) > 0.9
    shrinks = [slow.shrink(n_segments) for n_segments in range(1, 200)]
    assert min(shrinks) > 2 * quick.shrink(199)
    # Longer than any of which there are some: it is not believed to fall for ever.
    assert quick.shrink(10_000) > 0.1


def test_a_step_of_the_gain_moves_what_is_normal(rng: np.random.Generator) -> None:
    normal = learnt(rng)
    stepped = rows_with(rng, 0, 0, 0.0) * np.float32(10.0)
    assert normal.region(stepped, 8, WHOLE) is not None
    normal.shift(10.0)
    assert normal.region(stepped, 8, WHOLE) is None
