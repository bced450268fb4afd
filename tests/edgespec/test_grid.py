"""Laws of the axes of a plane."""

import numpy as np
import pytest

from edgespec.errors import ModelError
from edgespec.framing import Framing
from edgespec.grid import Grid

FRAMING = Framing(1e6, n_fft=64, n_averages=10)


def grid_of(*freqs_hz: float) -> Grid:
    return Grid(np.array(freqs_hz), 5.0, 1, 1.0)


@pytest.mark.parametrize("center_hz", [0.0, 806e6])
def test_bins_of_a_front_end_lie_around_the_centre(center_hz: float) -> None:
    grid = FRAMING.grid(center_hz)
    assert (grid.n_bins, grid.freqs_hz[32]) == (64, center_hz)
    assert np.diff(grid.freqs_hz) == pytest.approx(15_625.0)
    assert (grid.bin_hz, grid.rbw_hz, grid.enbw_bins) == (15_625.0, 1.5 * 15_625.0, 1.5)
    assert grid.range_hz == (center_hz - 5e5, center_hz + 5e5)
    assert grid.edges_hz(0, 63) == (center_hz - 507_812.5, center_hz + 492_187.5)
    assert (grid.frame_ticks, grid.tick_hz, grid.frame_s) == (640, 1e6, FRAMING.frame_s)


def test_a_bin_does_not_reach_into_a_hole() -> None:
    grid = grid_of(10.0, 20.0, 30.0, 100.0, 120.0)
    assert grid.edges_hz(2, 2) == (25.0, 35.0)
    assert grid.edges_hz(3, 3) == (90.0, 110.0)
    assert grid.edges_hz(0, 4) == (5.0, 130.0)


def test_a_single_bin_is_as_wide_as_it_hears() -> None:
    assert grid_of(100.0).edges_hz(0, 0) == (97.5, 102.5)


@pytest.mark.parametrize("freqs_hz", [[], [2.0, 1.0], [1.0, 1.0], [[1.0, 2.0]]])
def test_frequencies_rise(freqs_hz: object) -> None:
    with pytest.raises(ModelError, match="rising"):
        Grid(np.array(freqs_hz, np.float64), 1.0, 1, 1.0)


@pytest.mark.parametrize("name", ["rbw_hz", "frame_ticks", "tick_hz"])
def test_nothing_lasts_no_time(name: str) -> None:
    values = {"rbw_hz": 1.0, "frame_ticks": 1, "tick_hz": 1.0, name: 0}
    with pytest.raises(ModelError, match=f"{name} of a grid is 0"):
        Grid(np.arange(3.0), **values)  # type: ignore[arg-type]
