"""Who is new beside a cell, and who is only found again."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.detect.cell.newcomers import NewCells
from edgespec.dsp.prefix.cell import Cell
from edgespec.grid import Grid

GRID = Grid(800e6 + 90e3 * np.arange(10.0), 90e3, 960, 1.92e6)
OWN = Cell("lte", 21, "fdd", "normal", 1.92e6, 5000.0, 0.0, 0.0, 10.0, 0.9, 2.0)
OTHER = replace(OWN, identity=22, frame_start=9000.0, snr_db=-9.5)


def test_a_cell_is_told_once_with_its_level() -> None:
    watch = NewCells()
    (found,) = watch.update([OTHER], OWN, 192_000, GRID)
    assert (found.kind, found.identity, found.tick, found.share) == ("new cell", 22, 192_000, 1.0)
    # A tenth of all power beside ten elevenths of it.
    assert found.size_db == pytest.approx(-9.6, abs=0.3)
    assert watch.update([OTHER], OWN, 384_000, GRID) == []


def test_who_was_there_at_commissioning_is_known() -> None:
    watch = NewCells()
    watch.learn([OTHER], OWN)
    later = replace(OTHER, frame_start=9000.0 + 17 * 19_200 + 3)
    assert watch.update([later, OWN], OWN, 0, GRID) == []


def test_who_copies_an_identity_is_new_by_its_timing() -> None:
    watch = NewCells()
    copy = replace(OWN, frame_start=5000.0 + 200)
    assert [one.identity for one in watch.update([copy], OWN, 0, GRID)] == [21]


def test_frames_that_begin_around_the_end_of_a_frame_are_the_same() -> None:
    watch = NewCells()
    watch.learn([replace(OTHER, frame_start=5003.0)], OWN)
    assert watch.update([replace(OTHER, frame_start=5000.0 + 19_197.0)], OWN, 0, GRID) == []


def test_the_clock_of_the_receiver_moves_all_alike_and_makes_nobody_new() -> None:
    """An hour at 26 ppm is 94 ms; the clock of the other station is .05 ppm beside."""
    own, other = replace(OWN, ppm=26.0), replace(OTHER, ppm=26.05)
    watch = NewCells()
    watch.learn([other], own)
    for n_frames in range(6000, 366_000, 6000):
        now = replace(own, frame_start=own.frame_start + n_frames * 19_200 * (1 + 26e-6))
        again = replace(other, frame_start=other.frame_start + n_frames * 19_200 * (1 + 26.05e-6))
        assert watch.update([again], now, 0, GRID) == []


def test_two_looks_in_a_row_are_asked_for() -> None:
    watch = NewCells(n_looks=2)
    assert watch.update([OTHER], OWN, 0, GRID) == []
    assert watch.update([], OWN, 1, GRID) == []
    assert watch.update([OTHER], OWN, 2, GRID) == []
    assert len(watch.update([OTHER], OWN, 3, GRID)) == 1


def test_who_takes_the_place_of_a_lost_cell_is_told_and_who_was_known_stays_so() -> None:
    watch = NewCells(n_looks=2)
    watch.learn([OTHER], OWN)
    rogue = replace(OWN, identity=99, frame_start=700.0)
    (found,) = watch.take_over(rogue, OWN, 10, GRID)
    assert (found.kind, found.identity, found.tick) == ("new cell", 99, 10)
    for _ in range(3):
        assert watch.update([OTHER, OWN, rogue], rogue, 20, GRID) == []
    # The neighbour takes its place, and the first cell comes back.
    assert watch.take_over(OTHER, rogue, 30, GRID) == []
    assert watch.take_over(OWN, OTHER, 40, GRID) == []


def test_a_look_that_found_someone_for_the_first_time_is_unsure() -> None:
    watch = NewCells(n_looks=2)
    watch.update([OTHER], OWN, 0, GRID)
    assert watch.is_unsure
    watch.update([OTHER], OWN, 0, GRID)
    assert not watch.is_unsure
