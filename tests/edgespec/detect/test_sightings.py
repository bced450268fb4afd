"""What of a spectrum's shape is the wanted signal's: wide regions, and their skirts."""

from collections.abc import Callable

import numpy as np
import pytest

from edgespec.detect.regions import Region
from edgespec.detect.sightings import Lookout
from edgespec.records import Decision, Score

N_BINS = 64


def is_of_cell(
    added_db: dict[tuple[int, int], float],
    is_cells: Callable[[Region | None], bool] = lambda region: True,
    pauses_db: float = 0.0,
) -> bool:
    """Return whether ``zscore`` is high by what the cell does, where so much was added to bins.

    One in eight normal segments is a pause, in which the band has so much more.
    """
    rng = np.random.default_rng(1)
    lookout = Lookout(N_BINS, {})
    for number in range(40):
        level_dbfs = -60.0 if number % 8 else -60.0 + pauses_db
        lookout.learn((), rng.normal(level_dbfs, 0.5, (13, N_BINS)).astype(np.float32))
    target_dbfs = rng.normal(-60.0, 0.5, (13, N_BINS)).astype(np.float32)
    for (first, last), more_db in added_db.items():
        target_dbfs[:, first : last + 1] += more_db
    decision = Decision((Score("zscore", 9.0),), (6.0,), 0, 960, 0, 0)
    return "zscore" in lookout.of_cell(decision, target_dbfs, 1.0, is_cells)


def test_a_wide_region_is_and_a_tone_is_not() -> None:
    assert is_of_cell({(8, 40): 15.0})
    assert not is_of_cell({(8, 40): 15.0}, lambda region: False)
    assert not is_of_cell({(20, 21): 15.0})


def test_power_that_is_missing_in_a_narrow_place_is_the_cell_s_too() -> None:
    """No tone takes power away."""
    assert is_of_cell({(20, 21): -15.0})
    assert is_of_cell({(5, 30): -12.0, (50, 51): -3.0})
    assert not is_of_cell({(20, 21): -15.0}, lambda region: False)


def test_what_does_not_pause_with_the_rest_adds_nothing() -> None:
    """The receiver's own carrier stands out of a pause, with no more power than it always has."""
    for more_db, is_cells_own in ((-1.0, True), (1.5, True), (6.0, False)):
        added_db = {(0, 9): -7.0, (10, 11): more_db, (12, 63): -7.0}
        assert is_of_cell(added_db, pauses_db=-8.0) == is_cells_own


def test_a_bin_that_is_hardly_above_the_others_is_no_tone() -> None:
    assert is_of_cell({(20, 20): 2.0})
    assert not is_of_cell({(20, 20): 5.0})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_skirt_of_a_wide_region_is(sign: float) -> None:
    assert is_of_cell({(8, 40): sign * 18.0, (42, 42): sign * 5.0})
    assert is_of_cell({(8, 40): sign * 18.0, (6, 6): sign * 5.0})


@pytest.mark.parametrize("place", [(55, 56), (63, 63)])
def test_what_a_far_larger_change_leaks_is(place: tuple[int, int]) -> None:
    """Bins beyond its edges rise with a signal that is a thousand times stronger than it was."""
    assert is_of_cell({(8, 40): 30.0, place: 6.0})
    assert not is_of_cell({(8, 40): 30.0, place: 14.0})
    assert not is_of_cell(
        {(8, 40): 30.0, place: 6.0}, lambda region: region is None or region.n_bins <= 4
    )


def test_a_tone_beside_a_wide_region_is_not() -> None:
    """Far from it, or stronger than it, or of the other sign, or not the cell's itself."""
    assert not is_of_cell({(8, 40): 15.0, (55, 56): 8.0})
    assert not is_of_cell({(8, 40): 6.0, (42, 43): 20.0})
    assert not is_of_cell({(8, 40): -12.0, (42, 43): 9.0})
    assert not is_of_cell(
        {(8, 40): 18.0, (42, 42): 5.0}, lambda region: region is None or region.n_bins > 4
    )
