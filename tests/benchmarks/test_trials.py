"""The reproduction's draws and scores: what must hold before its tables mean anything."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.papers.schoesser2024.scores import Ears, auc, mean_history, roc
from benchmarks.papers.schoesser2024.trials import corrupted, subset
from benchmarks.twin.hall import (
    JAMMERS,
    N_SUBBANDS,
    ModelError,
    Placements,
    draw_placements,
    draw_places,
    draw_standing,
    ether,
    gains,
    hall,
    is_free,
    misplace,
    traced,
)
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.site import Site

NO_ERROR = ModelError("sample", 0.0)


@pytest.fixture(scope="module")
def site() -> Site:
    return hall("1.5 m")


@pytest.fixture(scope="module")
def maps() -> Maps:
    return traced("1.5 m")


@pytest.fixture
def places(site: Site, rng: np.random.Generator) -> Placements:
    """Twenty placements that are known exactly, half of them jammed."""
    drawn = draw_placements(site, 20, 10, 3, rng)
    return replace(drawn, believed_m=np.repeat(drawn.true_m[:, None], 3, axis=1))


def test_the_area_under_the_roc_counts_pairs(rng: np.random.Generator) -> None:
    normal, jammed = rng.integers(0, 8, 40).astype(float), rng.integers(2, 10, 30).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in jammed for b in normal]
    assert auc(normal, jammed) == pytest.approx(np.mean(pairs))
    rates = roc(normal, jammed)
    assert (np.diff(rates) >= 0).all()
    assert rates[-1] == 1.0


def test_transmitters_stay_out_of_the_metal(site: Site, rng: np.random.Generator) -> None:
    places_m = draw_places(site, 2000, rng)
    moved_m = misplace(places_m, site, rng)
    assert is_free(places_m, site).all()
    assert is_free(moved_m, site).all()
    error_m = np.linalg.norm(moved_m - places_m, axis=1)
    # Of N(0, 0.37 m) in magnitude; what is drawn again near metal was a little larger.
    assert np.sqrt(np.mean(error_m**2)) == pytest.approx(0.37, rel=0.06)
    np.testing.assert_array_equal(moved_m[:, 2], 1.5)


@pytest.mark.parametrize("n_subbands", [1, N_SUBBANDS])
def test_a_twin_that_knows_everything_expects_what_is_heard(
    maps: Maps, places: Placements, rng: np.random.Generator, n_subbands: int
) -> None:
    gain = gains(places, maps, maps)
    heard = ether(places, gain, NO_ERROR, draw_standing(NO_ERROR, 12, rng), "wide", n_subbands, rng)
    residual_db = heard.level_db - heard.expected_dbm
    np.testing.assert_allclose(residual_db[~places.is_jammed], 0.0, atol=1e-9)
    assert (residual_db[places.is_jammed] > 0).all()


@pytest.mark.parametrize("jammer", JAMMERS)
def test_all_of_a_jammer_arrives_whatever_its_subbands(
    maps: Maps, places: Placements, rng: np.random.Generator, jammer: str
) -> None:
    gain = gains(places, maps, maps)
    standing = draw_standing(NO_ERROR, 12, rng)
    heard = ether(places, gain, NO_ERROR, standing, jammer, N_SUBBANDS, rng, jammer_dbm=3.0)
    level_mw, expected_mw = 10 ** (heard.level_db / 10), 10 ** (heard.expected_dbm / 10)
    added_mw = (level_mw - expected_mw)[:, 0]
    n_hit = (added_mw > 1e-9 * level_mw[:, 0]).any(axis=1).sum(axis=1)
    expected = {"wide": {8}, "narrow": {1}, "mimic": {2, 3}}[jammer]
    assert set(n_hit[places.is_jammed].tolist()) <= expected
    jammer_mw = 10 ** ((3.0 + gain.jammer_db) / 10)
    found_mw = added_mw.sum(axis=2)
    np.testing.assert_allclose(found_mw[places.is_jammed], jammer_mw[places.is_jammed], rtol=1e-6)


def test_what_stands_is_the_same_for_all_and_a_field_is_smooth(rng: np.random.Generator) -> None:
    constant = draw_standing(ModelError("static", 4.0), 2000, rng)
    assert constant.field is None
    assert constant.constant_db.std() == pytest.approx(4.0, rel=0.1)
    field = draw_standing(ModelError("field", 4.0), 300, rng).field
    assert field is not None
    values_db = field.at(np.array([[10.0, 10.0, 1.5], [10.5, 10.0, 1.5], [35.0, 35.0, 1.5]])).T
    assert values_db.std(axis=0) == pytest.approx([4.0] * 3, rel=0.2)
    near, far = np.corrcoef(values_db.T)[0, 1:]
    # exp(-d^2 / (2 5^2)): 0.995 at half a metre, nothing at 35 m.
    assert near > 0.98
    assert abs(far) < 0.2


def test_liars_and_subsets_touch_what_they_say(
    maps: Maps, places: Placements, rng: np.random.Generator
) -> None:
    gain = gains(places, maps, maps)
    heard = ether(places, gain, NO_ERROR, draw_standing(NO_ERROR, 12, rng), "wide", 1, rng)
    history = mean_history(heard.level_db, heard.expected_dbm)
    lie_db = np.abs(corrupted(history, 2, rng).level_db - history.level_db)[:, :, 0]
    assert set((lie_db > 0).sum(axis=1).tolist()) == {2}
    assert lie_db[lie_db > 0].min() >= 10 - 1e-9
    assert lie_db.max() <= 20 + 1e-9
    some = subset(history, np.array([3, 7]))
    np.testing.assert_array_equal(some.total_db, history.total_db[:, [3, 7]])


@pytest.mark.slow_without_jit
def test_detectors_learn_from_training_alone(
    site: Site, maps: Maps, rng: np.random.Generator
) -> None:
    error = ModelError("sample", 2.0)
    standing = draw_standing(error, 12, rng)
    heard = []
    for n_jammed in (0, 20):
        drawn = draw_placements(site, 40, n_jammed, 2, rng)
        gain = gains(drawn, maps, maps)
        one = ether(drawn, gain, error, standing, "wide", N_SUBBANDS, rng)
        heard.append(mean_history(one.level_db, one.expected_dbm))
    training, test = heard
    ears = Ears.learnt(training, maps.grid())
    alone = ears.scores("likelihood", subset(test, np.arange(12)))
    for name in ("energy", "lof", "matched", "likelihood"):
        scores = ears.scores(name, test)
        assert auc(scores[:20], scores[20:]) > 0.8
    np.testing.assert_array_equal(ears.scores("likelihood", test), alone)
