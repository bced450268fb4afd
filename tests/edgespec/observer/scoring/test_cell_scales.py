"""Scales, thresholds and model go with the cell: together, at once where known, else learnt."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.config import DetectConfig
from edgespec.detect.sightings import Lookout
from edgespec.dsp.prefix.cell import Cell
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.cell_scales import CellScales, ScalesPlan
from edgespec.observer.scoring.known_scales import KnownScales
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.yardstick import Terms, Yardstick
from edgespec.records import Segment
from tests.made.tiny import FRAMING, GEOMETRY, RECIPE

#: The hop of these frames lasts 1 ms.
N_WARMUP = 64
GRID = FRAMING.grid(806e6)
HOME = Cell("lte", 1, "fdd", "normal", 1e6, 0.0, 0.0, 0.0, 20.0, 0.99, 2.0)
AWAY = replace(HOME, identity=2)
DETECT = DetectConfig(detectors=("zscore", "energy"))
USUAL = Basis.without_bundle(RECIPE, DETECT, load_bundle(shipped_bundle_path()))


@dataclass(frozen=True, slots=True)
class Own(Basis):
    """What a cell is judged by that has a bundle of its own; nothing here runs one."""

    @property
    def model(self) -> str:
        return "own"

    @property
    def model_sha256(self) -> str:
        return "0wn"


def own_basis() -> Basis:
    return Own(USUAL.recipe, USUAL.names, USUAL.thresholds, USUAL.smallest_std, USUAL.spread_db)


def make(basis: Basis) -> Scorer:
    return Scorer(None, basis.names, GEOMETRY, N_WARMUP, basis.smallest_std)


class Band:
    """A chain's part that scores, in one cell after another."""

    def __init__(self, rng: np.random.Generator, plan: ScalesPlan) -> None:
        self._rng = rng
        self.scales = CellScales(plan, USUAL, make, GEOMETRY, "b")
        terms, model = plan.terms("", USUAL), USUAL.model
        self.now = Yardstick(
            make(USUAL), Lookout(GEOMETRY.n_bins, {}), terms, model, USUAL.model_sha256
        )

    def enter(self, cell: Cell) -> None:
        self.now = self.scales.enter(cell, self.now) or self.now

    def hear(self, level_db: float, n: int, *, is_frozen: bool = False) -> list[float]:
        """Return the energy's scores of some segments with a level."""
        found = []
        for segment in self._segments(level_db, n):
            self.now = self.scales.next(GRID, self.now) or self.now
            scores = self.now.scorer.score(segment)
            self.scales.learn(segment, self.now.scorer, is_frozen=is_frozen)
            if not self.now.scorer.is_warm:
                self.now.lookout.learn(scores, segment.target)
            found += [score.value for score in scores if score.detector == "energy"]
        return found

    def _segments(self, level_db: float, n: int) -> Iterator[Segment]:
        for _ in range(n):
            yield Segment(
                np.empty((0, GEOMETRY.n_bins), np.float32),
                self._target(level_db),
                np.empty(0, np.int64),
                has_context=False,
            )

    def _target(self, level_db: float) -> NDArray[np.float32]:
        shape = GEOMETRY.n_horizon, GEOMETRY.n_bins
        rows = self._rng.normal(level_db, 1.0, shape) + self._rng.normal(0.0, 0.5)
        return rows.astype(np.float32)


def terms_of(cell: str, basis: Basis) -> Terms:
    """Return thresholds that say what they are of."""
    first = {"": 10.0, "lte-1": 11.0, "lte-2": 12.0}[cell]
    return Terms(dict.fromkeys(USUAL.names, first))


def band_of(rng: np.random.Generator, **plan: Any) -> Band:
    band = Band(rng, ScalesPlan(terms_of, **plan))
    band.enter(HOME)
    band.hear(-60.0, 2 * N_WARMUP)
    return band


def threshold(band: Band) -> float:
    return band.now.terms.thresholds["energy"]


def test_a_new_cell_is_learnt_while_the_old_scales_count(rng: np.random.Generator) -> None:
    band = band_of(rng)
    assert threshold(band) == 11.0
    before = band.now.scorer
    band.enter(AWAY)
    meanwhile = band.hear(-40.0, N_WARMUP)
    # Nothing is deaf: by what is in force, 20 dB more are far out.
    assert len(meanwhile) == N_WARMUP
    assert min(meanwhile) > 10.0
    assert (band.now.scorer is before, threshold(band)) == (True, 11.0)
    behind = band.hear(-40.0, N_WARMUP)
    assert np.abs(np.mean(behind)) < 1.0
    assert (band.now.scorer is before, threshold(band)) == (False, 12.0)


def test_a_known_cell_counts_at_once(rng: np.random.Generator) -> None:
    band = band_of(rng)
    home = band.now.scorer.reference()
    band.enter(AWAY)
    band.hear(-40.0, 2 * N_WARMUP)
    band.enter(replace(HOME, frame_start=7.0))
    assert threshold(band) == 11.0
    found = band.now.scorer.reference()
    assert found.keys() == home.keys()
    for name, values in home.items():
        np.testing.assert_array_equal(found[name], values)
    assert np.abs(np.mean(band.hear(-60.0, 32))) < 1.0
    band.enter(AWAY)
    assert np.abs(np.mean(band.hear(-40.0, 32))) < 1.0


def test_a_cell_that_was_left_before_it_was_learnt_is_not_known(rng: np.random.Generator) -> None:
    band = band_of(rng)
    home = band.now.scorer
    band.enter(AWAY)
    band.hear(-40.0, N_WARMUP // 2)
    band.enter(HOME)
    assert band.now.scorer is home
    band.hear(-60.0, 2 * N_WARMUP)
    band.enter(AWAY)
    assert min(band.hear(-40.0, N_WARMUP // 2)) > 10.0


def test_an_event_is_not_learnt_for_half_a_minute(rng: np.random.Generator) -> None:
    band = band_of(rng)
    before = band.now.scorer
    band.enter(AWAY)
    n_wait = round(30.0 / GEOMETRY.hop_s)
    band.hear(-40.0, 2 * N_WARMUP, is_frozen=True)
    assert band.now.scorer is before
    # Then it is no event of an hour, but of the place.
    segment = next(band._segments(-40.0, 1))
    for _ in range(n_wait - 2 * N_WARMUP):
        band.scales.learn(segment, band.now.scorer, is_frozen=True)
    band.hear(-40.0, 2 * N_WARMUP, is_frozen=True)
    assert band.now.scorer is not before


def test_a_warm_up_of_two_cells_is_of_none(rng: np.random.Generator) -> None:
    band = Band(rng, ScalesPlan(terms_of))
    band.enter(HOME)
    band.hear(-60.0, N_WARMUP // 2)
    band.enter(AWAY)
    band.hear(-40.0, N_WARMUP)
    mixed = band.now.scorer
    band.hear(-40.0, N_WARMUP)
    assert band.now.scorer is not mixed
    assert threshold(band) == 12.0
    band.enter(HOME)
    learnt = band.now.scorer
    band.hear(-60.0, 2 * N_WARMUP)
    # The first one was not learnt by the warm-up that both were in.
    assert band.now.scorer is not learnt


def test_a_step_of_the_gain_meanwhile_counts(rng: np.random.Generator) -> None:
    band = band_of(rng)
    band.enter(AWAY)
    band.hear(-40.0, 2 * N_WARMUP)
    band.scales.follow(6.0)
    band.now.scorer.follow(6.0)
    band.enter(HOME)
    assert np.abs(np.mean(band.hear(-54.0, 32)[8:])) < 1.0


def test_what_is_not_trusted_is_not_kept(rng: np.random.Generator) -> None:
    band = band_of(rng)
    band.now = replace(band.now, distrust="somebody came")
    band.enter(AWAY)
    band.hear(-40.0, 2 * N_WARMUP)
    assert band.now.distrust == ""
    away = band.now.scorer
    band.enter(HOME)
    band.hear(-60.0, N_WARMUP // 2)
    assert band.now.scorer is away


def test_an_interferer_in_the_middle_is_not_learnt(rng: np.random.Generator) -> None:
    band = band_of(rng)
    band.enter(AWAY)
    band.hear(-50.0, N_WARMUP // 2)
    band.hear(-40.0, N_WARMUP // 2)
    assert min(band.hear(-40.0, 32)) > 5.0
    assert "only the rest was learnt from" in band.now.distrust


def test_model_and_scales_change_together(rng: np.random.Generator) -> None:
    own = own_basis()
    band = band_of(rng, models={"lte-2": own})
    band.enter(AWAY)
    band.hear(-40.0, N_WARMUP)
    assert band.now.model_sha256 is None
    band.hear(-40.0, 1)
    assert (band.now.model, band.now.model_sha256, threshold(band)) == ("own", "0wn", 12.0)
    band.enter(HOME)
    assert (band.now.model_sha256, threshold(band)) == (None, 11.0)
    band.enter(AWAY)
    assert (band.now.model_sha256, threshold(band)) == ("0wn", 12.0)
    band.now = band.scales.retune(band.now) or band.now
    assert (band.now.model_sha256, threshold(band)) == (None, 10.0)


def test_scales_by_another_model_are_not_used(rng: np.random.Generator) -> None:
    known = KnownScales()
    band = band_of(rng, known=known)
    band.enter(AWAY)
    band.hear(-40.0, 2 * N_WARMUP)
    band.enter(HOME)
    assert known.of("lte-2", "") is not None
    other = Band(rng, ScalesPlan(terms_of, {"lte-2": own_basis()}, known))
    other.enter(HOME)
    other.hear(-60.0, 2 * N_WARMUP)
    before = other.now.scorer
    other.enter(AWAY)
    assert other.now.scorer is before


def test_the_first_cell_with_a_model_of_its_own_gets_it(rng: np.random.Generator) -> None:
    band = band_of(rng, models={"lte-1": own_basis()})
    assert band.now.model_sha256 is None
    band.hear(-60.0, N_WARMUP)
    assert (band.now.model_sha256, threshold(band)) == ("0wn", 11.0)


@pytest.mark.parametrize("name", ["zscore.levels_db", "energy.levels"])
def test_what_cannot_be_used_is_learnt_anew(rng: np.random.Generator, name: str) -> None:
    known = KnownScales()
    band = band_of(rng, known=known)
    band.enter(AWAY)
    band.hear(-40.0, 2 * N_WARMUP)
    band.enter(HOME)
    found = known.of("lte-2", "")
    assert found is not None
    known.keep("lte-2", "", {**found[0], f"scorer.{name}": np.zeros((2, 3))})
    home = band.now.scorer
    band.enter(AWAY)
    assert band.now.scorer is home
    band.hear(-40.0, 2 * N_WARMUP)
    assert band.now.scorer is not home


def test_what_was_learnt_is_there_in_the_next_run(rng: np.random.Generator) -> None:
    known = KnownScales()
    first = band_of(rng, known=known)
    first.enter(AWAY)
    first.hear(-40.0, 2 * N_WARMUP)
    first.scales.finish(first.now)
    again = band_of(rng, known=known)
    again.enter(AWAY)
    scores = again.hear(-40.0, 32)
    assert threshold(again) == 12.0
    assert np.abs(np.mean(scores)) < 1.0


def test_a_calibration_made_meanwhile_counts_for_the_cell_that_is_in_force(
    rng: np.random.Generator,
) -> None:
    more = {"": 0.0, "lte-1": 0.0}
    plan = ScalesPlan(lambda cell, its: Terms(dict.fromkeys(USUAL.names, more[cell])))
    band = Band(rng, plan)
    band.enter(HOME)
    band.hear(-60.0, 2 * N_WARMUP)
    more["lte-1"] = 5.0
    again = band.scales.recalibrated(band.now)
    assert (again.terms.thresholds["energy"], again.scorer) == (5.0, band.now.scorer)
