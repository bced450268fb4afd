"""Power is the cell's own where it cancels: by traffic, fading and strangers in made slots."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.detect.scan.site import Site, learn_site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.grid import Grid
from edgespec.observer.cell.own_power import (
    has_fallen,
    is_known_leak,
    is_known_rest,
    is_own_power,
    most_of_theirs,
)

_N_SUBBANDS = 5
_NOISE, _LEAK = 1.0, 0.01
_ALL = slice(None)


def slots_of(cell: NDArray[np.float64], stranger: NDArray[np.float64] | float = 0.0) -> PrefixSlots:
    """Return slots with powers of a cell and of a stranger, each ``(n_slots, n_subbands)``."""
    rng = np.random.default_rng(3)
    chance = rng.gamma(60.0, 1.0 / 60.0, cell.shape)
    left = chance * (_NOISE + _LEAK * cell + stranger)
    n = len(cell)
    grid = Grid(np.arange(_N_SUBBANDS, dtype=np.float64), 1.0, 960, 1.92e6)
    return PrefixSlots(
        left.astype(np.float32), (cell + _NOISE + stranger).astype(np.float32),
        np.arange(n, dtype=np.int64) % 20, np.zeros(n, np.uint8), np.arange(n, dtype=np.int64),
        float(left.sum()), grid,
    )  # fmt: skip


def cell_of(level: float, n_slots: int = 13) -> NDArray[np.float64]:
    return np.full((n_slots, _N_SUBBANDS), level)


@pytest.fixture(scope="module")
def site() -> Site:
    rng = np.random.default_rng(4)
    learnt = slots_of(100.0 * rng.gamma(4.0, 0.25, (800, _N_SUBBANDS)))
    return learn_site(learnt.residual, learnt.power, learnt.slot)


@pytest.mark.parametrize("level", [3.0, 30.0, 300.0, 1000.0])
def test_what_cancels_is_the_cell_s_own_up_and_down(site: Site, level: float) -> None:
    assert is_own_power(slots_of(cell_of(level)), site, _ALL)


@pytest.mark.parametrize("level", [100.0, 1000.0])
def test_a_stranger_s_rise_is_not(site: Site, level: float) -> None:
    assert not is_own_power(slots_of(cell_of(100.0), level), site, _ALL)


def test_a_stranger_beside_a_cell_that_faded_is_not(site: Site) -> None:
    assert not is_own_power(slots_of(cell_of(10.0), 40.0), site, _ALL)


def test_a_rise_is_asked_about_in_its_own_subbands(site: Site) -> None:
    cell, stranger = cell_of(100.0), cell_of(0.0)
    cell[:, 0] *= 8.0
    stranger[:, 4] = 200.0
    slots = slots_of(cell, stranger)
    assert is_own_power(slots, site, slice(0, 1))
    assert not is_own_power(slots, site, slice(4, 5))


def test_a_rise_that_known_cells_beside_explain_is_no_stranger_s(site: Site) -> None:
    level = 100.0
    slots = slots_of(cell_of(100.0), level)
    assert is_own_power(slots, site, _ALL, more_beside=_N_SUBBANDS * level)
    assert not is_own_power(slots, site, _ALL, more_beside=_N_SUBBANDS * 0.5 * level)


def test_a_stranger_in_a_part_of_the_band_is_not_explained_by_them(site: Site) -> None:
    """They fill the band, so of each subband they have a part."""
    stranger = cell_of(0.0)
    stranger[:, 4] = 500.0
    slots = slots_of(cell_of(100.0), stranger)
    assert not is_own_power(slots, site, slice(4, 5), more_beside=500.0)


def test_no_slots_say_nothing(site: Site) -> None:
    assert not is_own_power(slots_of(cell_of(100.0, 0)), site, _ALL)


def test_what_is_left_beyond_the_expected_is_known_where_cells_beside_bring_as_much(
    site: Site,
) -> None:
    slots = slots_of(cell_of(100.0), 50.0)
    assert is_known_rest(slots, site, _N_SUBBANDS * 50.0)
    assert not is_known_rest(slots, site, _N_SUBBANDS * 30.0)
    assert not is_known_rest(slots, site, 0.0)
    # Where no more is left than that, there is nothing to explain.
    assert not is_known_rest(slots_of(cell_of(100.0), -0.9), site, 500.0)
    assert not is_known_rest(slots_of(cell_of(100.0, 0)), site, 500.0)


def test_of_cells_beside_may_be_a_little_more_than_was_heard_but_not_what_chance_makes() -> None:
    """Echoes take some of it, and chance."""
    assert most_of_theirs(40.0, 0.0) == pytest.approx(50.0)
    assert most_of_theirs(40.0, 5.0) == pytest.approx(60.0)
    assert most_of_theirs(40.0, 41.0) == 0.0
    assert most_of_theirs(0.0, 0.0) == 0.0


def test_of_what_is_left_cells_beside_may_fill_a_part_of_the_band(site: Site) -> None:
    """They fill resource blocks as there is traffic; what is heard of them is of all together."""
    rest = cell_of(0.0)
    rest[:, 4] = 250.0
    slots = slots_of(cell_of(100.0), rest)
    assert is_known_rest(slots, site, 250.0)
    assert not is_known_rest(slots, site, 100.0)


def test_less_power_than_usual_has_fallen_where_it_is(site: Site) -> None:
    cell = cell_of(100.0)
    cell[:, 2:] *= 0.3
    slots = slots_of(cell)
    assert has_fallen(slots, site, slice(2, 5))
    assert not has_fallen(slots_of(cell_of(300.0)), site, _ALL)
    assert not has_fallen(slots_of(cell_of(100.0, 0)), site, _ALL)


def test_a_cell_louder_than_ever_leaks_as_it_did(site: Site) -> None:
    """And a stranger is told beside it from some -10 dB on."""
    assert is_known_leak(slots_of(cell_of(30_000.0)), site, _ALL)
    assert not is_known_leak(slots_of(cell_of(30_000.0), 3_000.0), site, _ALL)
    assert not is_known_leak(slots_of(cell_of(100.0), 30_000.0), site, _ALL)


def test_of_a_cell_no_louder_than_was_heard_the_scan_is_believed(site: Site) -> None:
    assert not is_known_leak(slots_of(cell_of(100.0)), site, _ALL)
    assert not is_known_leak(slots_of(cell_of(100.0), 5.0), site, _ALL)
    assert not is_known_leak(slots_of(cell_of(100.0, 0)), site, _ALL)
