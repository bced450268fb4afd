"""The experiment of Schoesser et al. 2024, sec. IV-D, in our hall, and ours beside it.

Every repeat draws its own placements for training (normal) and for testing (half of them jammed);
nothing that is learnt sees a test draw.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.papers.schoesser2024.scores import Ears, mean_history
from benchmarks.twin.direct import Direct, load_plain
from benchmarks.twin.hall import (
    POWER_DBM,
    Gains,
    ModelError,
    Placements,
    candidates,
    draw_placements,
    draw_standing,
    ether,
    gains,
    hall,
    traced,
)
from benchmarks.twin.paper_forest import learning_places
from converter.raytrace.fit import fit_log_distance, with_fit
from edgespec.twin.learning.history import History
from edgespec.twin.localise import Localiser
from edgespec.twin.propagation.log_distance import LogDistance
from edgespec.twin.propagation.path_gain import GAIN_FLOOR_DB, CellGrid, PathGain

__all__ = [
    "N_TEST",
    "N_TRAINING",
    "Draw",
    "PlainMaps",
    "TracedPlaces",
    "corrupted",
    "direct_draws",
    "draws",
    "histories",
    "location_errors_m",
    "log_distance",
    "plain_draws",
    "subset",
    "subset_grid",
]

FloatArray = NDArray[np.float64]

#: Snapshots, as the paper.
N_TRAINING, N_TEST = 2800, 600

#: Gain of cells that no ray met in a plain radio map.
_PLAIN_FLOOR_DB = -120.0


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One repeat: placements and their gains for training and for test."""

    heights: str
    seed: int
    training: Placements
    training_gain: Gains
    test: Placements
    test_gain: Gains
    grid: CellGrid


def draws(
    heights: str, n_snapshots: int, n_repeats: int, seed: int, twin: PathGain | None = None
) -> Iterator[Draw]:
    """Yield the repeats for units at these heights; the twin knows the maps unless given another.

    A snapshot of training stays a snapshot: with ``n_snapshots`` in a window there are as many
    fewer placements to learn from.
    """
    site, truth = hall(heights), traced(heights)
    grid = candidates(truth, site)
    for number in range(n_repeats):
        rng = np.random.default_rng((seed, number, n_snapshots))
        training = draw_placements(site, N_TRAINING // n_snapshots, 0, n_snapshots, rng)
        test = draw_placements(site, N_TEST, N_TEST // 2, n_snapshots, rng)
        yield Draw(
            heights,
            seed * 1000 + number,
            training,
            gains(training, truth, twin or truth),
            test,
            gains(test, truth, twin or truth),
            grid,
        )


class TracedPlaces:
    """Path gain at directly traced places alone: a truth that no map and no forest has seen."""

    def __init__(self, direct: Direct, heights: str) -> None:
        columns = slice(0, 12) if heights == "1.5 m" else slice(12, 24)
        self.places_m = direct.held_out_m
        found_db = np.asarray(direct.held_out_db[:, columns], np.float64)
        self._gain_db = np.nan_to_num(found_db, nan=GAIN_FLOOR_DB)

    @property
    def n_units(self) -> int:
        """Number of sensing units."""
        return self._gain_db.shape[1]

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gains of places that were traced: ``(n, n_units)``."""
        distance_m = np.linalg.norm(xyz_m[:, None, :2] - self.places_m[None, :, :2], axis=2)
        nearest = distance_m.argmin(axis=1)
        assert distance_m[np.arange(len(xyz_m)), nearest].max() < 1e-6
        return self._gain_db[nearest]

    def grid(self) -> CellGrid:
        """There is no grid of single places."""
        raise NotImplementedError


def log_distance(heights: str) -> LogDistance:
    """Return the straight-line model that fits the maps best."""
    site = hall(heights)
    fit = fit_log_distance(site, *learning_places(heights))
    return LogDistance(with_fit(site, fit))


def direct_draws(
    heights: str,
    truth: TracedPlaces,
    n_snapshots: int,
    n_repeats: int,
    seed: int,
    twin: PathGain | None,
) -> Iterator[Draw]:
    """Yield repeats whose sources stand at directly traced places, four of them at a time.

    Half of the places serve training, the other half the test; a twin that is None has the maps.
    """
    site, model = hall(heights), twin or traced(heights)
    grid = candidates(model, site)
    for number in range(n_repeats):
        rng = np.random.default_rng((seed, number))
        order = rng.permutation(len(truth.places_m))
        half = len(order) // 2
        found = []
        for pool, n, n_jammed in (
            (order[:half], N_TRAINING // n_snapshots, 0),
            (order[half:], N_TEST, N_TEST // 2),
        ):
            chosen = pool[np.argsort(rng.uniform(size=(n, len(pool))), axis=1)[:, :4]]
            places = draw_placements(site, n, n_jammed, n_snapshots, rng, truth.places_m[chosen])
            found.append((places, gains(places, truth, model)))
        (training, training_gain), (test, test_gain) = found
        yield Draw(heights, seed * 1000 + number, training, training_gain, test, test_gain, grid)


def plain_draws(n_repeats: int, seed: int) -> Iterator[Draw]:
    """Yield repeats in which truth and twin are plain radio maps at the height of the sources."""
    site, truth = hall("1.5 m"), PlainMaps()
    grid = candidates(traced("1.5 m"), site)
    for number in range(n_repeats):
        rng = np.random.default_rng((seed, number, 1))
        training = draw_placements(site, N_TRAINING, 0, 1, rng)
        test = draw_placements(site, N_TEST, N_TEST // 2, 1, rng)
        yield Draw(
            "1.5 m",
            seed * 1000 + number,
            training,
            gains(training, truth, truth),
            test,
            gains(test, truth, truth),
            grid,
        )


class PlainMaps:
    """Path gain read from plain radio maps of 1 m cells at the height of the sources."""

    def __init__(self) -> None:
        self._maps_db = np.nan_to_num(load_plain(), nan=_PLAIN_FLOOR_DB)

    @property
    def n_units(self) -> int:
        """Number of sensing units."""
        return len(self._maps_db)

    def gains_db(self, xyz_m: FloatArray) -> FloatArray:
        """Return the gain of the cell that each place is in: ``(n, n_units)``."""
        column, row = (np.minimum(xyz_m[:, axis].astype(int), 39) for axis in (0, 1))
        return np.asarray(self._maps_db[:, row, column].T)

    def grid(self) -> CellGrid:
        """Not searched."""
        raise NotImplementedError


def histories(
    draw: Draw, error: ModelError, jammer: str, n_subbands: int, jammer_dbm: float = POWER_DBM
) -> tuple[History, History]:
    """Return means over snapshots for training and test."""
    rng = np.random.default_rng((draw.seed, round(10 * error.sigma_db), n_subbands))
    standing = draw_standing(error, draw.training_gain.jammer_db.shape[1], rng)
    found = []
    for places, gain in ((draw.training, draw.training_gain), (draw.test, draw.test_gain)):
        heard = ether(places, gain, error, standing, jammer, n_subbands, rng, jammer_dbm)
        found.append(mean_history(heard.level_db, heard.expected_dbm))
    return found[0], found[1]


def subset(history: History, units: NDArray[np.int64]) -> History:
    """Return a history of some of the units."""
    return History(
        history.level_db[:, units],
        history.expected_dbm[:, units],
        history.is_occupied[:, units],
        history.kind[:, units],
    )


def subset_grid(grid: CellGrid, units: NDArray[np.int64]) -> CellGrid:
    """Return the grid with the gains to some of the units."""
    return replace(grid, gain_db=np.ascontiguousarray(grid.gain_db[:, units]))


def corrupted(history: History, n_lying: int, rng: np.random.Generator) -> History:
    """Return a history in which some units, drawn for each snapshot anew, lie by 10 to 20 dB."""
    level_db = history.level_db.copy()
    n, n_units, _ = level_db.shape
    order = np.argsort(rng.uniform(size=(n, n_units)), axis=1)[:, :n_lying]
    lie_db = rng.uniform(10, 20, order.shape) * rng.choice([-1.0, 1.0], order.shape)
    rows = np.arange(n)[:, None]
    level_db[rows, order] += lie_db[:, :, None]
    return replace(history, level_db=level_db)


def location_errors_m(draw: Draw, ears: Ears, test: History, most: int) -> FloatArray:
    """Return how far the jammers of a test are from where they are located, in metres."""
    site = hall(draw.heights)
    n_subbands = test.level_db.shape[2]
    localiser = Localiser(replace(site, n_subbands=n_subbands), draw.grid)
    windows = ears.windows(test)
    errors = []
    for index in np.flatnonzero(draw.test.is_jammed)[:most]:
        place = localiser.source(windows[index]).position
        truth_m = draw.test.jammer_m[index]
        errors.append(np.hypot(place.x_m - truth_m[0], place.y_m - truth_m[1]))
    return np.array(errors)
