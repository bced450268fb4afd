"""Laws of sweeps as frames: what was measured is what the frame has, and what lacks is said."""

import numpy as np
import pytest

from edgespec.dsp.sweep_plane import SweepPlane
from edgespec.errors import SourceError
from edgespec.records import FrameFlag
from edgespec.sweep_block import SweepBlock, sweep_grid
from tests.made import sweeps

TABLE = sweeps.levels(12, 16)
GRID = sweep_grid(88e6 + 1e5 * np.arange(16), 10.0)
NAN = np.float32(np.nan)


def block(rows: np.ndarray, number: int, n_dropped: int = 0, grid: object = GRID) -> SweepBlock:
    return SweepBlock(
        np.asarray(rows, np.float32), 0.1, 88.8e6, number, number * 10**10, n_dropped, 1, grid=grid
    )  # type: ignore[arg-type]


def test_a_sweep_is_a_frame_on_a_clock_of_sweeps() -> None:
    plane = SweepPlane(GRID)
    found = plane.process(block(TABLE[:3], 0))
    np.testing.assert_array_equal(found.power_dbfs, TABLE[:3])
    assert found.tick_start.tolist() == [0, 1, 2]
    assert found.grid is GRID
    assert found.grid.frame_s == 10.0
    assert found.is_whole


@pytest.mark.parametrize("sizes", [[12], [1] * 12, [5, 7]])
def test_any_division_into_blocks_gives_the_same_frames(sizes: list[int]) -> None:
    plane, rows, first = SweepPlane(GRID), [], 0
    holed = TABLE.copy()
    holed[4, 3] = holed[5, 3] = holed[0, 7] = NAN
    for size in sizes:
        rows.append(plane.process(block(holed[first : first + size], first)).power_dbfs)
        first += size
    whole = SweepPlane(GRID).process(block(holed, 0)).power_dbfs
    np.testing.assert_array_equal(np.concatenate(rows), whole)


def test_points_that_lack_have_the_level_they_had_last() -> None:
    plane = SweepPlane(GRID)
    rows = TABLE[:3].copy()
    rows[1:, 2] = NAN
    found = plane.process(block(rows, 0))
    assert not found.flags.any()
    assert found.power_dbfs[1, 2] == found.power_dbfs[2, 2] == rows[0, 2]


def test_points_that_were_never_measured_have_the_median_of_their_sweep() -> None:
    rows = TABLE[:1].copy()
    rows[0, :2] = NAN
    found = SweepPlane(GRID).process(block(rows, 0))
    assert found.power_dbfs[0, 0] == np.median(rows[0, 2:])


@pytest.mark.parametrize(("n_missing", "flag"), [(4, FrameFlag.VALID), (5, FrameFlag.NONFINITE)])
def test_a_sweep_that_lacks_more_than_a_quarter_is_no_frame(n_missing: int, flag: int) -> None:
    rows = TABLE[:1].copy()
    rows[0, :n_missing] = NAN
    found = SweepPlane(GRID).process(block(rows, 0))
    assert found.flags.tolist() == [flag]
    assert np.isfinite(found.power_dbfs).all()


def test_a_sweep_that_is_the_same_everywhere_is_constant() -> None:
    found = SweepPlane(GRID).process(block(np.full((1, 16), -50.0), 0))
    assert found.flags.tolist() == [FrameFlag.CONSTANT]


def test_what_is_missing_is_one_frame_that_says_from_where() -> None:
    plane = SweepPlane(GRID)
    plane.process(block(TABLE[:2], 0))
    found = plane.process(block(TABLE[2:3], 9, n_dropped=7))
    assert found.flags.tolist() == [FrameFlag.DROPPED, FrameFlag.VALID]
    assert found.tick_start.tolist() == [2, 9]
    assert not found.is_whole


def test_another_grid_is_another_object_and_forgets() -> None:
    plane = SweepPlane(GRID)
    plane.process(block(TABLE[:2], 0))
    other = sweep_grid(90e6 + 1e5 * np.arange(16), 10.0)
    rows = TABLE[2:3].copy()
    rows[0, 3] = NAN
    found = plane.process(block(rows, 2, grid=other))
    assert found.grid is plane.grid is other
    assert found.power_dbfs[0, 3] == np.nanmedian(rows)


def test_sweeps_that_do_not_fit_their_grid_are_refused() -> None:
    with pytest.raises(SourceError, match="16 points"):
        SweepPlane(GRID).process(block(TABLE[:1, :9], 0))
