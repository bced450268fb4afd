"""Laws of gains that transmitters of normal operation teach."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.central import SiteTwin
from edgespec.twin.detectors.detectors import thinned
from edgespec.twin.detectors.window import Window
from edgespec.twin.learning.coverage import _ERRORS_DB, error_that_holds
from edgespec.twin.learning.gains import FEWEST_SQUARES, GainLimits, LearntGains, unit_gains
from edgespec.twin.learning.saved_gains import MOST_SQUARES
from edgespec.twin.level_kind import MEASURED
from edgespec.twin.localise import Localiser
from edgespec.twin.propagation.log_distance import LogDistance
from edgespec.twin.propagation.path_gain import CellGrid
from edgespec.twin.site import Site
from edgespec.twin.state import TwinState
from tests import naive
from tests.made.twin_site import Clock, World, hall, jammer

FloatArray = NDArray[np.float64]

LIMITS = GainLimits(most_db=15.0, db_per_hour=0.5)
HOUR_S, LONG_S = 3600.0, 1e7


@pytest.fixture(scope="module")
def grid() -> CellGrid:
    return thinned(LogDistance(hall()).grid(), 200)


def places(grid: CellGrid, n: int) -> FloatArray:
    """Return places in different squares: ``(n, 2)``."""
    return grid.xyz_m[np.linspace(0, len(grid.xyz_m) - 1, n).astype(int), :2]


def learnt_from(grid: CellGrid, off_db: FloatArray, limits: GainLimits = LIMITS) -> LearntGains:
    """Return what a row a square teaches."""
    small = replace(grid, cell_m=0.1)
    gains = LearntGains(small, 4.3, limits)
    for place_m, row in zip(places(grid, len(off_db)), off_db, strict=True):
        gains.hear(*place_m.tolist(), row)
    return gains


def test_the_fast_ones_are_as_the_plain_ones(grid: CellGrid, rng: np.random.Generator) -> None:
    off_db = rng.normal(0.0, 5.0, (11, 12)) + rng.normal(0.0, 5.0, 12)
    off_db[rng.random(off_db.shape) < 0.2] = np.nan
    off_db[:, 3] = np.nan
    np.testing.assert_allclose(unit_gains(off_db), naive.unit_gains(off_db), atol=1e-9)
    few_db = grid.gain_db[::5]
    cells = rng.integers(0, len(few_db), 11)
    for error_db in (0.5, 6.0):
        heard_db = few_db[cells] + rng.normal(0.0, error_db, (11, 12))
        heard_db[rng.random(heard_db.shape) < 0.2] = np.nan
        plain = naive.error_that_holds(heard_db, cells, few_db, _ERRORS_DB)
        assert error_that_holds(heard_db, cells, few_db) == plain


def test_it_comes_to_the_true_gains_and_error(grid: CellGrid, rng: np.random.Generator) -> None:
    true_db = rng.normal(0.0, 6.0, 12)
    true_db -= np.median(true_db)
    powers_db = rng.normal(0.0, 8.0, (50, 1))
    off_db = 3.0 + powers_db + true_db + rng.normal(0.0, 3.0, (50, 12))
    gains = learnt_from(grid, off_db)
    gains.follow(LONG_S)
    found_db = gains.unit_db - np.median(gains.unit_db)
    assert np.sqrt(np.mean((found_db - true_db) ** 2)) < 1.2
    assert gains.gain_error_db == pytest.approx(3.0, rel=0.2)


def test_few_squares_teach_nothing_and_standing_counts_once(
    grid: CellGrid, rng: np.random.Generator
) -> None:
    gains = learnt_from(grid, rng.normal(9.0, 9.0, (FEWEST_SQUARES - 1, 12)))
    for _ in range(100):
        gains.hear(*places(grid, 2)[0].tolist(), rng.normal(9.0, 9.0, 12))
    gains.follow(LONG_S)
    assert len(gains.squares) == FEWEST_SQUARES - 1
    assert not gains.unit_db.any()
    assert gains.gain_error_db == 4.3


def test_old_squares_make_room(grid: CellGrid, rng: np.random.Generator) -> None:
    gains = learnt_from(grid, rng.normal(0.0, 3.0, (MOST_SQUARES + 5, 12)))
    assert len(gains.squares) == MOST_SQUARES


def test_no_step_is_larger_than_allowed_and_nothing_leaves_the_limits(
    grid: CellGrid, rng: np.random.Generator
) -> None:
    off_db = rng.normal(0.0, 3.0, (20, 12))
    off_db[:, 4] -= 80.0
    gains = learnt_from(grid, off_db)
    for _ in range(3):
        before_db, error_db = gains.unit_db.copy(), gains.gain_error_db
        gains.follow(HOUR_S)
        assert np.abs(gains.unit_db - before_db).max() == pytest.approx(0.5)
        assert abs(gains.gain_error_db - error_db) <= 0.5 + 1e-9
    gains.follow(LONG_S)
    assert gains.unit_db[4] - np.median(gains.unit_db) == pytest.approx(-15.0)


@pytest.mark.parametrize("lie_db", [-80.0, -12.0, 40.0])
def test_a_unit_that_lies_moves_only_its_own(
    grid: CellGrid, rng: np.random.Generator, lie_db: float
) -> None:
    off_db = rng.normal(0.0, 4.0, 12) + rng.normal(0.0, 3.0, (40, 12))
    lying_db = off_db.copy()
    lying_db[:, 7] += lie_db
    honest, lied = (unit_gains(one) for one in (off_db, lying_db))
    others = np.arange(12) != 7
    assert np.abs((lied - honest)[others]).max() < 1.0
    assert abs(lied[7] - honest[7]) > 0.8 * abs(lie_db)


def test_a_source_is_nearer_where_gains_are_known(rng: np.random.Generator) -> None:
    site = replace(hall(), n_subbands=1, transmitter=())
    gain = LogDistance(site)
    localiser = Localiser(site, thinned(gain.grid(), 400))
    units_db = rng.normal(0.0, 6.0, 12)
    usual, known = [], []
    for place_m in localiser.grid.xyz_m[20::60]:
        power_mw = 10.0 ** ((20.0 + gain.gains_db(place_m)[0] + units_db) / 10.0)
        level_db = 10.0 * np.log10(power_mw + 1e-10)[:, None]
        window = Window(
            level_db + 100.0,
            np.ones((12, 1)),
            np.full((12, 1), -100.0),
            level_db[:, 0] + 100.0,
            np.full(12, MEASURED, np.uint8),
            2,
        )
        for found, believed in ((usual, (0.0 * units_db, 4.3)), (known, (units_db, 1.0))):
            localiser.believe(*believed)
            source = localiser.source(window).position
            found.append(np.hypot(source.x_m - place_m[0], source.y_m - place_m[1]))
    assert np.median(known) < 0.5 * localiser.grid.cell_m
    assert np.median(usual) > 2.0


# In a twin


def site_that_learns(is_learning: bool = True) -> Site:
    site = hall(interval_s=60.0, bias_db_per_hour=30.0)
    return replace(site, propagation=replace(site.propagation, learn_gains=is_learning, cell_m=2.0))


def let_move(clock: Clock, world: World, n: int, rng: np.random.Generator) -> None:
    """Let the transmitters of a world be elsewhere in each of ``n`` snapshots, as they tell."""
    for _ in range(n):
        world.transmitters = tuple(
            replace(one, x_m=float(rng.uniform(2, 38)), y_m=float(rng.uniform(2, 38)))
            for one in world.site.transmitter
        )
        clock.twin.set_transmitters(world.transmitters, clock.now_ns)
        clock.tell(world.levels_db())


@pytest.fixture(scope="module")
def taught() -> tuple[Clock, World]:
    rng = np.random.default_rng(5)
    world = World(site_that_learns(), rng, error_db=5.0)
    clock = Clock(SiteTwin(world.site, trained=world.trained(100), gain=world.gain))
    let_move(clock, world, 40, rng)
    return clock, world


def test_a_twin_learns_from_transmitters_that_move_and_says_so(
    taught: tuple[Clock, World], rng: np.random.Generator
) -> None:
    clock, world = taught
    gains = clock.twin.state().gains
    assert gains is not None
    true_db = world._static_db[:, 0]
    off_db = (gains.unit_db - true_db) - np.median(gains.unit_db - true_db)
    assert np.sqrt(np.mean(off_db**2)) < 0.4 * np.std(true_db)
    (note,) = clock.tell(world.levels_db()).notes
    worst = int(np.argmax(np.abs(gains.unit_db)))
    which = "more" if gains.unit_db[worst] > 0 else "less"
    assert f"{world.site.nodes[worst]} hears {abs(gains.unit_db[worst]):.0f} dB {which}" in note
    # Nothing is heard beside an alarm.
    world.jammers = [jammer(15.0, 20.0, 20.0)]
    clock.tell(world.levels_db())
    before = clock.twin.state().gains
    let_move(clock, world, 12, rng)
    world.jammers = []
    after = clock.twin.state().gains
    assert before is not None
    assert after is not None
    assert before.plain() == after.plain()


def test_a_successor_goes_on_with_what_was_learnt(taught: tuple[Clock, World]) -> None:
    clock, world = taught
    state = clock.twin.state()
    data = state.to_bytes()
    again = SiteTwin(world.site, state=TwinState.from_bytes(data), gain=world.gain)
    mine, its = state.gains, again.state().gains
    assert mine is not None
    assert its is not None
    assert mine.plain() == its.plain()
    # Switched off, it is neither used nor kept.
    off = SiteTwin(site_that_learns(False), state=TwinState.from_bytes(data), gain=world.gain)
    assert off.state().gains is None
    # Learnt beside other path gains, it is not taken on.
    wrong = replace(mine, path_gain_db=mine.path_gain_db + 1.0)
    other = SiteTwin(world.site, state=replace(state, gains=wrong), gain=world.gain)
    begun = other.state().gains
    assert begun is not None
    assert not begun.unit_db.any()
    # A state of before there were gains.
    old = json.loads(data)
    del old["gains"]
    older = TwinState.from_bytes(json.dumps(old).encode())
    assert older.gains is None
    begun = SiteTwin(world.site, state=older, gain=world.gain).state().gains
    assert begun is not None
    assert not begun.unit_db.any()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("unit_db", [1.0]),
        ("unit_db", ["a"] * 12),
        ("unit_db", [1e9] * 12),
        ("gain_error_db", None),
        ("squares", {}),
        ("squares", [{}]),
        ("squares", [{"place_m": [0, 0], "n": 0, "off_db": [1] * 12}]),
        ("squares", [{"place_m": [0, 0], "n": 1, "off_db": [True] * 12}]),
        ("squares", [{"place_m": [0, 1e99], "n": 1, "off_db": [1] * 12}]),
        ("squares", [{"place_m": [0, 0], "n": 1, "off_db": None}]),
        ("squares", [{"place_m": [0, 0], "n": 1, "off_db": [1, 1, *[None] * 10]}]),
        ("squares", [7] * 5000),
        (None, 5),
    ],
)
def test_gains_that_are_none_are_refused(
    taught: tuple[Clock, World], key: str | None, value: object
) -> None:
    state = json.loads(taught[0].twin.state().to_bytes())
    if key is None:
        state["gains"] = value
    else:
        state["gains"][key] = value
    with pytest.raises(ConfigError, match="learnt again"):
        TwinState.from_bytes(json.dumps(state).encode())
