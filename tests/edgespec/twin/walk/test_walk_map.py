"""Maps that a walk taught: the laws of their fit, their fixes and their files."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import ConfigError
from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.options import PropagationOptions
from edgespec.twin.plausibility.contradicted import Contradicted
from edgespec.twin.propagation.walked import Walked
from edgespec.twin.site import Site
from edgespec.twin.trained import train
from edgespec.twin.walk.blocks import folds_of
from edgespec.twin.walk.file import load_map, save_map
from edgespec.twin.walk.fit import axes_of, fit_map
from edgespec.twin.walk.learn import learn_map
from edgespec.twin.walk.path_loss import fit_path_losses
from edgespec.twin.walk.posterior import Fixer
from edgespec.twin.walk.shadowing import Lengths
from edgespec.twin.walk.trees import grow_trees
from edgespec.twin.walk.walk import Walk
from edgespec.twin.walk.walk_map import WalkMap
from edgespec.wire.transmitters import Transmitter
from tests import naive
from tests.made.walked_site import FLOORS_DB, FloatArray, ground, heard_db, signal_db, walk_of

pytestmark = pytest.mark.slow_without_jit

NEAR = Lengths(19.5)


@pytest.fixture(scope="module")
def walk_map() -> WalkMap:
    """The map of 500 readings in the western part; cells of 10 m."""
    return map_of(*walk_of(500, np.random.default_rng(5)))


def map_of(places_m: FloatArray, levels_db: FloatArray) -> WalkMap:
    site = ground(propagation=PropagationOptions(cell_m=10.0))
    walk = Walk(places_m, levels_db, np.zeros(len(places_m), np.int64))
    found = fit_map(site, walk, NEAR, axes_of(site)).walk_map
    trees = grow_trees(places_m, levels_db)
    return replace(found, weight=0.8, trees=trees, tree_error_m=40.0)


def test_a_path_loss_is_found_again(rng: np.random.Generator) -> None:
    places_m, levels_db = walk_of(400, rng)
    off_m = places_m[:, None, :] - ground().units_xyz_m[:, :2]
    distances_m = list(np.hypot(off_m[..., 0], off_m[..., 1]).T)
    losses = fit_path_losses(distances_m, list(levels_db.T))
    there_m = np.array([30.0, 100.0, 200.0])
    for loss, floor_db in zip(losses, FLOORS_DB, strict=True):
        true_db = floor_db + 35.0 - 32.0 * np.log10(there_m / 50.0)
        np.testing.assert_allclose(loss.signal_db(there_m), true_db, atol=1.5)


def test_the_map_is_sure_where_the_walk_was_and_doubts_elsewhere(walk_map: WalkMap) -> None:
    places_m = walk_map.places_m
    signal = walk_map.signal_db.reshape(-1, 6)
    error = walk_map.error_db.reshape(-1, 6)
    walked, far = places_m[:, 0] < 280.0, places_m[:, 0] > 380.0
    heard = signal_db(places_m) > FLOORS_DB + 10.0
    off_db = np.abs(signal - signal_db(places_m))[heard & walked[:, None]]
    assert np.median(off_db) < 1.0
    assert error[far].mean() > 1.3 * error[walked].mean()


def test_a_fix_is_near_and_its_region_grows_off_the_walk(
    walk_map: WalkMap, rng: np.random.Generator
) -> None:
    there_m = rng.uniform([350.0, 20.0], [400.0, 380.0], (40, 2))
    here_m = there_m - [200.0, 0.0]

    def fixes(known: WalkMap, places_m: FloatArray) -> tuple[float, float]:
        fixer = Fixer(known, 3.0)
        found = [fixer.fix(levels) for levels in heard_db(places_m, np.random.default_rng(1))]
        off_m = [np.hypot(*(f.place_m - p)) for f, p in zip(found, places_m, strict=True)]
        return float(np.median(off_m)), float(np.median([f.area_m2 for f in found]))

    places_m = rng.uniform(0.0, 400.0, (500, 2))
    whole = map_of(places_m, heard_db(places_m, rng))
    assert fixes(walk_map, here_m)[0] < 25.0
    assert fixes(walk_map, there_m)[1] > 1.2 * fixes(whole, there_m)[1]


def test_fixes_agree_with_the_plainest_loops(walk_map: WalkMap, rng: np.random.Generator) -> None:
    _, levels_db = walk_of(3, rng)
    levels_db[1, 2] = np.nan
    walk_map = replace(walk_map, trees=None)
    fixer = Fixer(walk_map, 4.0)
    for levels in levels_db:
        fix = fixer.fix(levels)
        weights = naive.walk_posterior(walk_map, levels, 4.0)
        # The loop adds signal and noise to .03 dB, in float32.
        found = np.zeros(len(weights))
        found[fix.cells] = fix.weights
        assert np.abs(found - weights).sum() < 0.05
        assert fix.weights[: fix.n_region].sum() >= 0.9
        assert fix.weights[: fix.n_region - 1].sum() < 0.9


def test_a_stronger_source_is_located_where_it_is_and_said_to_be_stronger(
    walk_map: WalkMap, rng: np.random.Generator
) -> None:
    fixer = Fixer(walk_map, 8.0)
    place_m = np.array([[150.0, 120.0]])
    power = 10.0 ** ((signal_db(place_m) + 9.0) / 10.0) + 10.0 ** (FLOORS_DB / 10.0)
    fix = fixer.fix(10.0 * np.log10(power[0]))
    assert np.hypot(*(fix.place_m - place_m[0])) < 25.0
    assert fix.offset_db == pytest.approx(9.0, abs=3.0)


def test_a_unit_that_changed_is_found_by_sources_whose_places_nobody_knows(
    walk_map: WalkMap, rng: np.random.Generator
) -> None:
    fixer = Fixer(walk_map, 8.0)
    places_m = rng.uniform(40.0, 280.0, (12, 2))
    levels_db = heard_db(places_m, rng) + rng.normal(0.0, 4.0, (12, 1))
    healthy = Contradicted(fixer, 10.0)
    for levels in levels_db:
        healthy.update(fixer.fix(levels).place_m, levels)
    assert healthy.reasons == {}
    levels_db[:, 2] -= 18.0
    changed = Contradicted(fixer, 10.0)
    for levels in levels_db:
        place_m = fixer.fix(levels).place_m
        changed.update(place_m, levels)
        # A source that stays where it is says it once.
        changed.update(place_m, levels)
    assert list(changed.reasons) == [2]
    assert re.match("reads 1[5-9] dB less of", changed.reasons[2])


def test_trees_find_what_they_have_seen_and_stay_within_it(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    places_m, levels_db = walk_of(300, rng)
    levels_db[:150, 3] = np.nan
    trees = grow_trees(places_m, levels_db)
    assert trees.is_sound()
    found_m = np.array([trees.find_m(levels) for levels in levels_db])
    assert np.median(np.hypot(*(found_m - places_m).T)) < 15.0
    far_m = trees.find_m(np.full(6, -200.0))
    assert (places_m.min(axis=0) <= far_m).all()
    assert (far_m <= places_m.max(axis=0)).all()
    # Each reading of the walk was heard by five units or six.
    assert trees.knows(levels_db[0])
    assert not trees.knows(np.where(np.arange(6) < 2, np.nan, levels_db[200]))
    again = grow_trees(places_m, levels_db)
    np.testing.assert_array_equal(again.threshold, trees.threshold)
    monkeypatch.setattr("edgespec.twin.walk.trees._MOST_READINGS", 100)
    fewer, same = grow_trees(places_m, levels_db), grow_trees(places_m[::3], levels_db[::3])
    np.testing.assert_array_equal(fewer.threshold, same.threshold)


def test_what_is_far_apart_is_held_out_together(rng: np.random.Generator) -> None:
    places_m = rng.uniform(0.0, 1000.0, (2000, 2))
    folds = folds_of(places_m, 100.0)
    squares = np.floor(places_m / 100.0).astype(int) @ [100, 1]
    assert set(folds) == set(range(5))
    for square in np.unique(squares):
        assert len(set(folds[squares == square])) == 1
    assert (folds_of(places_m, 500.0) == -1).all()


def test_weights_make_regions_hold_what_they_say(rng: np.random.Generator) -> None:
    """Of places that were never used, too: 90% +- 8%, of 150 in cells of which a region has few."""
    site = ground(propagation=PropagationOptions(cell_m=20.0))
    places_m, levels_db = walk_of(300, rng)
    learnt = learn_map(site, Walk(places_m, levels_db, np.zeros(300, np.int64)))
    assert learnt.check is not None
    walk_map = learnt.fitted.walk_map
    fixer = Fixer(walk_map, 3.0)
    new_m = rng.uniform(0.0, 1.0, (150, 2)) * [300.0, 400.0]
    rows, columns = walk_map.cells_of(new_m)
    cells = rows * len(walk_map.x_m) + columns
    fixes = [fixer.fix(levels) for levels in heard_db(new_m, rng)]
    held = [cell in fix.cells[: fix.n_region] for cell, fix in zip(cells, fixes, strict=True)]
    assert 0.82 <= np.mean(held) <= 0.99


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.chosen(np.arange(500) < 20), "the walk has 20 readings"),
        (lambda w: Walk(w.places_m * 0.001, w.levels_db, w.days), "are at one place"),
        (
            lambda w: Walk(w.places_m, np.where(np.arange(6) < 2, w.levels_db, np.nan), w.days),
            "2 units of site 'ground' were heard at 30 places",
        ),
    ],
)
def test_walks_that_teach_nothing(
    change: Callable[[Walk], Walk], said: str, rng: np.random.Generator
) -> None:
    places_m, levels_db = walk_of(500, rng)
    walk = change(Walk(places_m, levels_db, np.zeros(500, np.int64)))
    with pytest.raises(ConfigError, match=said):
        learn_map(ground(), walk)


def walked_site(folder: Path, walk_map: WalkMap, site: Site) -> Site:
    path = folder / "ground.npz"
    save_map(path, walk_map, site, 30.0)
    return replace(site, propagation=PropagationOptions(model="walk", file=path))


def test_maps_are_kept_and_belong_to_their_site(tmp_path: Path, walk_map: WalkMap) -> None:
    site = walked_site(tmp_path, walk_map, ground())
    path = tmp_path / "ground.npz"
    kept, power_dbm = load_map(path, site)
    assert power_dbm == 30.0
    np.testing.assert_array_equal(kept.signal_db, walk_map.signal_db)
    levels_db = heard_db(np.array([[120.0, 80.0]]), np.random.default_rng(1))[0]
    fix = Fixer(walk_map, 3.0).fix(levels_db)
    turned, _ = load_map(path, replace(site, unit=site.unit[::-1]))
    np.testing.assert_allclose(Fixer(turned, 3.0).fix(levels_db[::-1]).place_m, fix.place_m)
    with pytest.raises(ConfigError, match="of site 'ground' in dBFS, not of 'ground' in dBm"):
        load_map(path, replace(site, level_unit="dBm"))
    moved = (replace(site.unit[0], x_m=35.0), *site.unit[1:])
    with pytest.raises(ConfigError, match=r"unit 'g-0' 5\.0 m from where"):
        load_map(path, replace(site, unit=moved))
    new = (*site.unit, replace(site.unit[0], node="g-new", x_m=5.0))
    kept, _ = load_map(path, replace(site, unit=new))
    assert kept.is_known.tolist() == [True] * 6 + [False]
    fewer, _ = load_map(path, replace(site, unit=site.unit[1:]))
    assert np.hypot(*(Fixer(fewer, 3.0).fix(levels_db[1:]).place_m - [120.0, 80.0])) < 60.0


def test_the_central_unit_locates_by_the_map(tmp_path: Path, walk_map: WalkMap) -> None:
    """Units that are not calibrated, one of which the walk did not teach, learn their noise."""
    known = np.arange(6) != 1
    site = walked_site(tmp_path, replace(walk_map, is_known=known), ground())
    rng = np.random.default_rng(2)

    def reports(snapshot: int, place_m: tuple[float, float] | None) -> list[RssReport]:
        return reports_of(site, snapshot, place_m, rng)

    gain = Walked(site)
    assert (gain.gains_db(np.array([[150.0, 150.0, 1.5]]))[0] < -200.0).tolist() == (
        ~known
    ).tolist()
    quiet = [one for k in range(1, 100) for one in reports(k, None)]
    twin = SiteTwin(site, trained=train(site, quiet, gain=gain), gain=gain)
    for one in reports(200, (150.0, 120.0)):
        twin.accept(one, 200 * 10**9)
    (verdict,) = twin.advance(200 * 10**9 + 1)
    assert verdict.is_alarm
    assert verdict.source is not None
    assert np.hypot(verdict.source.x_m - 150.0, verdict.source.y_m - 120.0) < 40.0
    assert verdict.source.region_m2 is not None
    assert 0.0 < verdict.source.region_m2 < 0.25 * 400.0**2
    assert verdict.power_dbm == pytest.approx(30.0, abs=5.0)


def reports_of(
    site: Site,
    snapshot: int,
    place_m: tuple[float, float] | None,
    rng: np.random.Generator,
    off_db: FloatArray | float = 0.0,
) -> list[RssReport]:
    """Return what units that are not calibrated say of their noise and of a source of 30 dBm."""
    power = 10.0 ** (FLOORS_DB / 10.0)
    if place_m is not None:
        power = power + 10.0 ** ((signal_db(np.array([place_m]))[0] + off_db) / 10.0)
    levels = 10.0 * np.log10(power) + rng.normal(0.0, 0.7, 6)
    interval_s = site.detect.interval_s
    return [
        RssReport(
            node=node, site="ground", band="band0",
            utc_ns=round(snapshot * interval_s * 1e9), duration_s=interval_s,
            sequence=snapshot, n_frames=1000, edges_hz=site.edges_hz,
            levels_db=(float(level),), level_unit="dBFS", clipped_share=0.0,
        )
        for node, level in zip(site.nodes, levels, strict=True)
    ]  # fmt: skip


def test_transmitters_at_told_places_teach_what_a_unit_hears_less_than_on_the_walk(
    tmp_path: Path, walk_map: WalkMap
) -> None:
    site = walked_site(tmp_path, walk_map, ground())
    site = replace(
        site,
        propagation=replace(site.propagation, learn_gains=True),
        detect=replace(site.detect, bias_db_per_hour=1000.0, interval_s=60.0),
    )
    gain, rng = Walked(site), np.random.default_rng(3)
    # Where the walk was: elsewhere its map may be wrong.
    places_m = [(x_m, y_m) for x_m, y_m in walk_of(500, np.random.default_rng(5))[0][:150].tolist()]
    times_ns = [round(60e9 * k) for k in range(150)]
    vans = [(Transmitter("van", *place_m, 1.5, 30.0),) for place_m in places_m]
    usual = [one for k in range(100) for one in reports_of(site, k, places_m[k], rng)]
    told = [(at_ns - 1, van) for at_ns, van in zip(times_ns[:100], vans, strict=False)]
    twin = SiteTwin(site, trained=train(site, usual, told, gain), gain=gain)
    less_db = np.array([0.0, 0.0, 0.0, -9.0, 0.0, 0.0])
    for k in range(100, 150):
        twin.set_transmitters(vans[k], times_ns[k] - 1)
        for one in reports_of(site, k, places_m[k], rng, less_db):
            twin.accept(one, times_ns[k])
        twin.advance(times_ns[k] + 1)
    gains = twin.state().gains
    assert gains is not None
    # Drawn to nothing as if five more squares had said so.
    share = len(gains.squares) / (len(gains.squares) + 5.0)
    assert gains.unit_db[3] - np.median(gains.unit_db) == pytest.approx(-9.0 * share, abs=1.5)
    assert np.abs(np.delete(gains.unit_db, 3)).max() < 2.0
    assert gains.gain_error_db == site.propagation.gain_error_db
