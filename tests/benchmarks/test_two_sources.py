"""Two transmitters at once: pairs of cells, receivers that changed, and who goes on walking."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.twin.two_followed import Follower, Motion
from benchmarks.twin.two_sources import NEAR_M, Cells, errors_m, found_pairs
from edgespec.twin.walk.walk import Walk
from edgespec.twin.walk.walk_map import WalkMap

CELL_M = 28.0
UNITS_M = np.array([[50, 60], [1200, 80], [640, 930], [90, 900], [1180, 900], [600, 400]], float)


@pytest.fixture(scope="module")
def cells() -> Cells:
    """Levels that fall with the distance, at six units on 1.3 x 1 km."""
    x_m, y_m = (CELL_M * np.arange(0.5, n, dtype=np.float64) for n in (45, 36))
    places_m = np.stack(np.meshgrid(x_m, y_m), axis=-1)
    off_m = np.hypot(*(places_m[:, :, None] - UNITS_M).transpose(3, 0, 1, 2))
    signal_db = (-30.0 - 35.0 * np.log10(np.maximum(off_m, 10.0))).astype(np.float32)
    walk_map = WalkMap(
        nodes=tuple("abcdef"), x_m=x_m, y_m=y_m, signal_db=signal_db,
        error_db=np.full_like(signal_db, 3.0), floor_db=np.full(6, -140.0),
        is_known=np.ones(6, np.bool_), weight=0.5, freedom=5.0,
    )  # fmt: skip
    return Cells.of(walk_map)


def readings(cells: Cells, n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """What units read of two sources in any two cells, and where these are."""
    pairs = rng.integers(0, len(cells.places_m), (n, 2))
    return np.array([cells.read_db((i, j)) for i, j in pairs]), cells.places_m[pairs]


def test_two_sources_without_noise_are_where_they_are(
    cells: Cells, rng: np.random.Generator
) -> None:
    levels_db, true_m = readings(cells, 20, rng)
    for level_db, places_m in zip(levels_db, true_m, strict=True):
        evidence = cells.evidence(level_db)
        np.testing.assert_array_equal(evidence, evidence.T)
        likeliest = np.divmod(evidence.argmax(), len(evidence))
        assert errors_m(cells.places_m[None, likeliest], places_m[None]).max() < 1e-6


def test_errors_do_not_depend_on_who_is_the_first(rng: np.random.Generator) -> None:
    found_m, true_m = rng.uniform(0.0, 1000.0, (2, 50, 2, 2))
    off_m = errors_m(found_m, true_m)
    np.testing.assert_allclose(
        np.sort(off_m, axis=1), np.sort(errors_m(found_m[:, ::-1], true_m), axis=1)
    )
    crossed_m = np.hypot(*(found_m[:, ::-1] - true_m).transpose(2, 0, 1))
    assert (off_m.sum(axis=1) <= crossed_m.sum(axis=1)).all()


def test_a_receiver_that_changed_is_found_by_what_the_others_say(
    cells: Cells, rng: np.random.Generator
) -> None:
    levels_db, true_m = readings(cells, 25, rng)
    levels_db[:, 2] += 20.0
    levels_db[3, 4] = np.nan
    found = found_pairs(
        cells, levels_db, lambda: lambda evidence: cells.pair_of(np.exp(0.5 * evidence))
    )
    assert np.flatnonzero(found.off_db).tolist() == [2]
    assert found.off_db[2] == pytest.approx(20.0, abs=3.0)
    assert np.mean(errors_m(found.places_m, true_m).max(axis=1) <= NEAR_M) > 0.8


def test_a_step_crosses_a_side_as_often_as_when_it_is_tried(rng: np.random.Generator) -> None:
    step_m, angle = rng.uniform(0.0, 60.0, 20_000), rng.uniform(0.0, 2.0 * np.pi, 20_000)
    steps = np.column_stack([step_m * np.cos(angle), step_m * np.sin(angle)])
    places_m = np.cumsum(np.concatenate([[[0.0, 0.0]], steps]), axis=0)
    walk = Walk(places_m, np.zeros((20_001, 1)), np.zeros(20_001, np.int64))
    campus: Any = SimpleNamespace(rest=walk, rest_s=4 * np.arange(20_001))
    share = Motion.of(campus, 85.0).share
    tried = np.floor((rng.uniform(0.0, 85.0, (20_000, 2)) + steps) / 85.0) != 0.0
    assert tried.mean(axis=0) == pytest.approx(share, abs=0.01)


def test_who_is_followed_stays_near_and_nothing_of_the_posterior_is_lost(
    cells: Cells, rng: np.random.Generator
) -> None:
    follower = Follower(cells, Motion(0.1), 0.5)
    levels_db, true_m = readings(cells, 1, rng)
    pair = follower.hear(cells.evidence(levels_db[0]))
    nothing = np.zeros((len(cells.places_m),) * 2, np.float32)
    before = follower._posterior
    for _ in range(3):
        again = follower.hear(nothing)
        posterior = follower._posterior
        assert posterior.sum() == pytest.approx(1.0, abs=1e-4)
        np.testing.assert_allclose(posterior, posterior.T, atol=1e-6)
        # It knows less and less, and nothing else.
        assert posterior.max() < before.max()
        before = posterior
    found_m = cells.places_m[[again, pair]]
    assert errors_m(found_m[:1], found_m[1:]).max() <= 2.0 * cells.side_m
    assert errors_m(cells.places_m[[pair]], true_m).max() <= NEAR_M


def test_looking_back_is_the_sum_over_all_ways_from_pair_to_pair(
    cells: Cells, rng: np.random.Generator
) -> None:
    """Held against every way in words of matrices: forward and backward sums of a chain."""
    weight, n = 0.3, len(cells.places_m)
    levels_db, _ = readings(cells, 3, rng)
    evidences = [cells.evidence(one) for one in levels_db]
    step = Follower(cells, Motion(0.2), weight)._moved(np.eye(n, dtype=np.float32)).astype(float)
    np.testing.assert_allclose(step, step.T, atol=1e-7)
    likely = [np.exp(weight * one.astype(float)) for one in evidences]

    def moved(posterior: Any) -> Any:
        return step @ posterior @ step.T

    ways = []
    for at in range(3):
        before = np.full((n, n), 1.0 / n**2)
        for one in likely[: at + 1]:
            before = moved(before) * one
        behind = np.ones((n, n))
        for one in reversed(likely[at + 1 :]):
            behind = moved(behind * one)
        ways.append(before * behind)
    wanted = [cells.pair_of(one.astype(np.float32)) for one in ways]
    assert Follower(cells, Motion(0.2), weight).looked_back(evidences) == wanted
    onward = Follower(cells, Motion(0.2), weight)
    assert [onward.hear(one) for one in evidences][-1] == wanted[-1]
