"""The benchmark of cancelling: what is left of a cell, and that the tables have their rows."""

import pytest

from benchmarks.detection.cancelling import FAST, SCENES, scenes


@pytest.mark.slow_without_jit
def test_a_standing_cell_is_cancelled_and_a_neighbour_is_not() -> None:
    names = ("standing, one path", "standing, EPA, neighbour at -10 dB")
    alone, beside = scenes(5e6, 0.3, names)
    assert alone["left_db"] < -28.0
    assert -14.0 < beside["left_db"] < -4.0
    assert alone["tracked_share"] == beside["tracked_share"] == 1.0
    assert FAST in SCENES
