"""Laws of the detectors, of what they learn, and of thresholds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t as student

from edgespec.errors import ConfigError
from edgespec.twin.detectors.detectors import thinned
from edgespec.twin.detectors.energy import Energy
from edgespec.twin.detectors.likelihood import POWER_STEP_DB, Likelihood
from edgespec.twin.detectors.lof import LocalOutlierFactor
from edgespec.twin.detectors.matched import Matched
from edgespec.twin.detectors.table_kernels import N_POWERS
from edgespec.twin.detectors.window import Window
from edgespec.twin.fusion import Fusion, Limits
from edgespec.twin.learning.averaging import Averager
from edgespec.twin.learning.history import History
from edgespec.twin.learning.normal import clean, learn_normal
from edgespec.twin.learning.student import choose_tail, degrees_of_freedom, fit_scales
from edgespec.twin.learning.tail import threshold_for
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING
from edgespec.twin.options import DETECTORS, PROPAGATION_MODELS
from edgespec.twin.propagation.log_distance import LogDistance
from edgespec.twin.propagation.models import PATH_GAINS
from edgespec.twin.propagation.path_gain import CellGrid
from tests.made.twin_site import hall

FloatArray = NDArray[np.float64]


def window_of(
    residual_db: FloatArray,
    expected_dbm: float | FloatArray = -70.0,
    scale_db: float = 2.0,
    kind: FloatArray | None = None,
    doublings: int = 2,
) -> Window:
    """Return a window of ``(n_units, n_subbands)`` residuals, all units measured unless said."""
    return Window(
        residual_db,
        np.full(residual_db.shape, scale_db),
        np.broadcast_to(expected_dbm, residual_db.shape).astype(np.float64),
        residual_db.mean(axis=1),
        np.full(len(residual_db), MEASURED, np.uint8) if kind is None else kind.astype(np.uint8),
        doublings,
    )


@pytest.fixture(scope="module")
def grid() -> CellGrid:
    """Few cells of the hall."""
    return thinned(LogDistance(hall()).grid(), 40)


def test_the_names_of_options_are_those_of_the_registries() -> None:
    from edgespec.twin.detectors.detectors import DETECTOR_MAKERS

    assert tuple(DETECTOR_MAKERS) == DETECTORS
    assert tuple(PATH_GAINS) == PROPAGATION_MODELS


# Local outlier factor


def test_lof_is_that_of_sklearn(rng: np.random.Generator) -> None:
    neighbors = pytest.importorskip("sklearn.neighbors")
    normal_db = rng.standard_t(3, (400, 12))
    new_db = rng.standard_t(3, (200, 12)) + rng.choice([0.0, 3.0], (200, 1))
    theirs = neighbors.LocalOutlierFactor(n_neighbors=100, novelty=True)
    theirs.fit(np.sort(normal_db, axis=1))
    ours = LocalOutlierFactor(normal_db, 100, is_centred=False).factors(new_db)
    np.testing.assert_allclose(
        ours, -theirs.score_samples(np.sort(new_db, axis=1)), rtol=1e-9, atol=0
    )


def test_lof_of_a_window_is_that_of_its_residuals(rng: np.random.Generator) -> None:
    normal_db = rng.normal(size=(150, 6)) + 5.0
    lof = LocalOutlierFactor(normal_db, 20)
    new_db = normal_db.mean(axis=0) + rng.normal(size=6)
    window = window_of(new_db[:, None])
    assert lof.score(window) == pytest.approx(lof.factors(new_db[None])[0])
    # A missing unit counts as usual, and an outlier stays one.
    lost = replace(window, kind=np.where(np.arange(6) == 2, MISSING, MEASURED).astype(np.uint8))
    assert 0.5 < lof.score(lost) < 2.0
    assert lof.score(replace(lost, total_db=lost.total_db + 30.0)) > 5.0


def test_lof_survives_samples_that_coincide() -> None:
    lof = LocalOutlierFactor(np.repeat(np.eye(4), 30, axis=0), 10)
    assert np.isfinite(lof.factors(np.eye(4) * 1.01)).all()


# Energy and matched


def test_energy_is_the_mean_of_who_is_heard() -> None:
    window = window_of(np.array([[1.0], [2.0], [6.0]]), kind=np.array([1, 1, 0]))
    assert Energy().score(window) == 1.5


def test_matched_weighs_by_reliability_and_bounds_each_unit(rng: np.random.Generator) -> None:
    residual_db = rng.normal(size=(12, 4))
    scaled = window_of(residual_db, scale_db=1.0)
    wild = window_of(residual_db + np.eye(12, 4) * 1e6, scale_db=1.0)
    assert Matched().score(wild) - Matched().score(scaled) <= 8.0 * 4 / np.sqrt(12)
    shifted = [Matched().score(window_of(residual_db + more)) for more in (0.0, 0.5, 1.0, 2.0)]
    assert shifted == sorted(shifted)
    # The same excess means more where residuals are usually smaller.
    excess = np.full((12, 4), 2.0)
    assert Matched().score(window_of(excess, scale_db=1.0)) > Matched().score(window_of(excess))


# Likelihood


def naive_evidence(
    window: Window, grid: CellGrid, powers_dbm: FloatArray, prior: FloatArray
) -> FloatArray:
    """Return the evidence of each cell with the plainest loops and exact path gains."""
    nu = degrees_of_freedom(window.doublings)
    evidence = np.zeros(len(grid.xyz_m))
    for c in range(len(evidence)):
        for k in range(window.residual_db.shape[1]):
            best = -math.inf
            for p, power_dbm in enumerate(powers_dbm):
                total = math.log(prior[p])
                for u in np.flatnonzero(window.kind == MEASURED):
                    ratio = 10 ** (
                        (power_dbm + grid.gain_db[c, u] - window.expected_dbm[u, k]) / 10
                    )
                    raised_db = 10 * math.log10(1 + ratio)
                    scale_db = window.scale_db[u, k]
                    with_it = student.logpdf((window.residual_db[u, k] - raised_db) / scale_db, nu)
                    total += with_it - student.logpdf(window.residual_db[u, k] / scale_db, nu)
                best = max(best, total)
            evidence[c] += math.log(0.5 + 0.5 * math.exp(best))
    return evidence


@pytest.mark.parametrize("doublings", range(4))
def test_likelihood_is_that_of_the_plainest_loops(
    grid: CellGrid, rng: np.random.Generator, doublings: int
) -> None:
    few = CellGrid(grid.xyz_m[:6], grid.gain_db[:6], grid.shape, grid.index[:6], grid.cell_m)
    window = window_of(
        rng.normal(3.0, 2.0, (12, 2)), rng.uniform(-90, -70, (12, 2)), 4.0, doublings=doublings
    ).without((3,))
    likelihood = Likelihood(few, 2, 30.0, 0.0)
    powers_dbm = likelihood.lowest_dbm + POWER_STEP_DB * np.arange(N_POWERS)
    prior = 0.75 ** np.arange(N_POWERS)[::-1]
    wanted = naive_evidence(window, few, powers_dbm, prior / prior.sum())
    # Gains are rounded to entries of the table, 1.25 dB off at most.
    np.testing.assert_allclose(likelihood.evidence(window).cells, wanted, atol=2.0)
    exact = CellGrid(few.xyz_m, np.round(few.gain_db / 2.5) * 2.5, few.shape, few.index, few.cell_m)
    expected = np.round(window.expected_dbm / 2.5) * 2.5
    window = replace(window, expected_dbm=expected)
    wanted = naive_evidence(window, exact, powers_dbm, prior / prior.sum())
    found = Likelihood(exact, 2, 30.0, 0.0).evidence(window)
    np.testing.assert_allclose(found.cells, wanted, atol=0.02)
    assert found.score == pytest.approx(np.log(np.exp(wanted).mean()), abs=0.02)


def naive_table(
    residual_db: float, scale_db: float, nu: float, gain_error_db: float, is_bound: bool
) -> FloatArray:
    """Return the log-likelihood ratio of each ratio of a table, its gain uncertain."""
    ratios = 10.0 ** ((-60.0 + 2.5 * np.arange(72)) / 10.0)
    raised_db = 10.0 * np.log10(1.0 + ratios)
    spread_db = 0.5 * gain_error_db * ratios / (1.0 + ratios)

    def logarithm(error_db: FloatArray, wider: FloatArray) -> FloatArray:
        error_db = np.maximum(error_db, 0.0) if is_bound else error_db
        power = -(nu + 1.0) / 2.0 * np.log1p((error_db / scale_db) ** 2 / wider / nu)
        return power - (0.0 if is_bound else 0.5) * np.log(wider)

    wider = 1.0 + (spread_db / scale_db) ** 2
    ratio = logarithm(residual_db - raised_db, wider) - logarithm(
        np.full(72, residual_db), np.ones(72)
    )
    ratio[:16] = 0.0
    reach = round(1.5 * gain_error_db / 2.5)
    low, high = (np.clip(np.arange(72) + off, 0, 71) for off in (-reach, reach))
    smeared = np.logaddexp(np.logaddexp(ratio[low], ratio[high]), ratio + np.log(4.0)) - np.log(6.0)
    smeared[:16] = 0.0
    return smeared


@pytest.mark.parametrize("doublings", range(4))
@pytest.mark.parametrize("is_bound", [False, True])
@pytest.mark.parametrize("gain_error_db", [0.0, 5.0])
def test_what_one_unit_says_is_that_of_the_plainest_formula(
    doublings: int, is_bound: bool, gain_error_db: float
) -> None:
    """Of one unit, one cell and one subband; near, and as far out as levels and scales go."""
    nu = 2.0 ** (doublings + 1) - 1.0
    kind = np.array([LOWER_BOUND if is_bound else MEASURED])
    powers = np.arange(N_POWERS)
    prior = np.log(0.75 ** powers[::-1] / (0.75 ** powers[::-1]).sum())
    for residual_db, scale_db in [(0.3, 1.0), (7.0, 2.0), (-9.0, 0.5), (350.0, 0.1), (-350.0, 0.1)]:
        table = naive_table(residual_db, scale_db, nu, gain_error_db, is_bound)
        for first in (0, 13, 30, 49):
            one = CellGrid(
                np.zeros((1, 3)), np.array([[2.5 * first]]), (1, 1, 1), np.zeros(1, np.int64), 1.0
            )
            likelihood = Likelihood(one, 1, 55.0, gain_error_db)
            window = window_of(
                np.array([[residual_db]]), 60.0 + likelihood.lowest_dbm, scale_db, kind, doublings
            )
            best = (table[first : first + 2 * N_POWERS : 2] + prior).max()
            found = likelihood.evidence(window)
            assert found.subbands[0, 0] == pytest.approx(best, rel=1e-5, abs=2e-3)
            assert likelihood.score(window) == found.score
            assert found.score == pytest.approx(np.logaddexp(best, 0.0) - np.log(2.0), abs=5e-3)


@pytest.mark.parametrize("gain_error_db", [0.0, 3.0, 20.0])
@pytest.mark.parametrize("is_kept", [False, True])
def test_what_is_said_of_a_cell_is_the_same_whatever_other_cells_there_are(
    grid: CellGrid, rng: np.random.Generator, gain_error_db: float, is_kept: bool
) -> None:
    """Tables have the entries that some cell asks for, and no others."""
    # From far below what can be heard to far above the strongest.
    gain_db = np.linspace(-200.0, 80.0, 24)[:, None] + rng.uniform(0.0, 40.0, (24, 12))
    kind = rng.choice([MISSING, MEASURED, LOWER_BOUND], 12, p=[0.2, 0.6, 0.2])
    window = window_of(
        rng.normal(2.0, 6.0, (12, 3)), rng.uniform(-110.0, -40.0, (12, 3)), 1.5, kind, 3
    )
    kept = rng.uniform(0.0, 1.0, (12, 3)) if is_kept else None

    def evidence(cells: NDArray[np.int64]) -> tuple[FloatArray, ...]:
        some = CellGrid(grid.xyz_m[cells], gain_db[cells], grid.shape, grid.index[cells], 1.0)
        found = Likelihood(some, 3, 30.0, gain_error_db).evidence(window, kept)
        return found.cells.copy(), found.subbands.copy()

    together = evidence(np.arange(24))
    for cell in range(24):
        alone = evidence(np.array([cell]))
        for all_cells, one in zip(together, alone, strict=True):
            np.testing.assert_allclose(one[0], all_cells[cell], rtol=1e-5, atol=1e-5)


@pytest.mark.slow_without_jit
def test_under_its_own_model_the_likelihood_ratio_has_mean_one_at_most(
    grid: CellGrid, rng: np.random.Generator
) -> None:
    likelihood = Likelihood(grid, 1, 30.0, 4.0)
    scores = np.array(
        [likelihood.score(window_of(2.0 * rng.standard_t(7, (12, 1)), -75.0)) for _ in range(1500)]
    )
    ratio = np.exp(scores)
    assert ratio.mean() - 4 * ratio.std() / np.sqrt(len(ratio)) <= 1.0
    for score in (1.0, 2.0, 3.0):
        assert (scores > score).mean() <= np.exp(-score)


def jammed(grid: CellGrid, cell: int, power_dbm: float, expected_dbm: FloatArray) -> FloatArray:
    ratio = 10 ** ((power_dbm + grid.gain_db[cell][:, None] - expected_dbm) / 10)
    return np.asarray(10 * np.log10(1 + ratio))


@pytest.mark.slow_without_jit
def test_the_likeliest_cell_is_that_of_the_source(grid: CellGrid, rng: np.random.Generator) -> None:
    likelihood = Likelihood(grid, 3, 30.0, 3.0)
    expected_dbm = rng.uniform(-90, -70, (12, 3))
    for cell in range(0, len(grid.xyz_m), 7):
        residual_db = jammed(grid, cell, 10.0, expected_dbm)
        # Only the middle subband is hit.
        residual_db[:, [0, 2]] = 0.0
        found = likelihood.evidence(window_of(residual_db, expected_dbm, 1.0))
        assert np.argmax(found.cells) == cell
        assert abs(found.power_dbm[cell, 1] - 10.0) <= POWER_STEP_DB
        assert found.subbands[cell, 1] > 5.0 > 0.0 > found.subbands[cell, [0, 2]].max()


def test_more_power_scores_higher_and_less_than_expected_is_no_source(grid: CellGrid) -> None:
    likelihood = Likelihood(grid, 1, 30.0, 4.0)
    expected_dbm = np.full((12, 1), -75.0)
    scores = [
        likelihood.score(window_of(jammed(grid, 5, power_dbm, expected_dbm), -75.0))
        for power_dbm in (-40.0, -20.0, -10.0, 0.0, 10.0)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > 10.0
    assert likelihood.score(window_of(np.full((12, 1), -10.0), -75.0)) <= scores[0]


def test_a_bound_from_below_is_consistent_with_more_and_refutes_less(grid: CellGrid) -> None:
    likelihood = Likelihood(grid, 1, 30.0, 3.0)
    expected_dbm = np.full((12, 1), -75.0)
    cell = 11
    residual_db = jammed(grid, cell, 20.0, expected_dbm)
    loudest = int(np.argmax(residual_db[:, 0]))
    clipped_db = residual_db.copy()
    clipped_db[loudest] = residual_db[loudest] - 15.0
    kind = np.full(12, MEASURED)
    believed = likelihood.evidence(window_of(clipped_db, -75.0, kind=kind)).cells[cell]
    kind[loudest] = LOWER_BOUND
    bound = likelihood.evidence(window_of(clipped_db, -75.0, kind=kind)).cells[cell]
    kind[loudest] = MISSING
    missing = likelihood.evidence(window_of(clipped_db, -75.0, kind=kind)).cells[cell]
    assert believed < bound
    # That it is loud at all speaks for the source, too.
    assert missing < bound
    # A bound that says next to nothing counts next to nothing.
    clipped_db[loudest] = 0.1
    kind[loudest] = LOWER_BOUND
    vague = likelihood.evidence(window_of(clipped_db, -75.0, kind=kind)).cells[cell]
    assert vague == pytest.approx(missing, abs=0.1)


def test_one_wrong_unit_weighs_a_bounded_amount(grid: CellGrid) -> None:
    likelihood = Likelihood(grid, 1, 30.0, 4.0)
    scores = []
    for lie_db in (20.0, 40.0, 80.0):
        residual_db = np.zeros((12, 1))
        residual_db[4] = lie_db
        scores.append(likelihood.score(window_of(residual_db, -75.0, doublings=0)))
    assert max(scores) < 6.0


# Witnesses


def test_an_alarm_needs_two_witnesses(grid: CellGrid) -> None:
    site = replace(hall(), n_subbands=1)
    detector = Likelihood(grid, 1, 30.0, 4.0)
    fusion = Fusion(site, (detector,), Limits((5.0,), (1.0,)))
    expected_dbm = np.full((12, 1), -75.0)
    source = window_of(jammed(grid, 5, 10.0, expected_dbm), -75.0)
    assert fusion.fuse(0, source).is_alarm
    residual_db = np.zeros((12, 1))
    residual_db[4] = 25.0
    liar = window_of(residual_db, -75.0, scale_db=0.5, doublings=3)
    assert detector.score(liar) > 5.0
    assert not fusion.fuse(0, liar).is_alarm
    alone = replace(site, detect=replace(site.detect, witnesses=1))
    assert Fusion(alone, (detector,), Limits((5.0,), (1.0,))).fuse(0, liar).is_alarm


# Learning


def test_scales_of_t_are_found_whatever_the_tail(rng: np.random.Generator) -> None:
    for doublings in range(4):
        nu = degrees_of_freedom(doublings)
        values_db = rng.standard_t(nu, (4000, 2)) * [0.5, 3.0]
        np.testing.assert_allclose(fit_scales(values_db, doublings), [0.5, 3.0], rtol=0.1)
    assert choose_tail(rng.standard_cauchy((4000, 3))) == 0
    assert choose_tail(rng.normal(size=(4000, 3))) == 3


def test_bias_and_scale_are_learnt_apart_for_noise_and_transmitters(
    rng: np.random.Generator,
) -> None:
    n = 400
    occupied = rng.uniform(size=(n, 6, 4)) < 0.5
    bias_db = rng.normal(0, 5, (6, 1))
    residual_db = np.where(
        occupied, bias_db + rng.normal(0, 4, (n, 6, 4)), rng.normal(0, 0.5, (n, 6, 4))
    )
    level_db = -80.0 + residual_db
    kind = np.full((n, 6), MEASURED, np.uint8)
    kind[: n // 2, 2] = MISSING
    level_db[: n // 2, 2] = np.nan
    normal = learn_normal(History(level_db, np.full_like(level_db, -80.0), occupied, kind), (1, 10))
    np.testing.assert_allclose(normal.bias_db[1], np.broadcast_to(bias_db, (6, 4)), atol=1.5)
    np.testing.assert_allclose(normal.bias_db[0], 0.0, atol=0.15)
    assert (normal.scale_db[0, 1] > 3.0).all()
    assert (normal.scale_db[0, 0] < 0.7).all()
    # Means over snapshots scatter less.
    assert (normal.scale_db[1, 1] < normal.scale_db[0, 1]).all()


def test_outliers_in_training_are_left_out(rng: np.random.Generator) -> None:
    residual_db = rng.normal(0, 2, (400, 12))
    jammed_rows = rng.choice(400, 40, replace=False)
    residual_db[jammed_rows] += rng.uniform(6, 20, (40, 12))
    history = History.of_residuals(residual_db, np.full((400, 12), -80.0))
    kept = clean(history)
    was_kept = np.isin(history.level_db[:, 0, 0], kept.level_db[:, 0, 0])
    assert not was_kept[jammed_rows].any()
    assert was_kept.mean() > 0.88
    # One unit that is off in some snapshots does not condemn them.
    liar_db = rng.normal(0, 2, (400, 12))
    liar_db[:40, 3] += 30.0
    assert len(clean(History.of_residuals(liar_db, np.full((400, 12), -80.0)))) > 380


def test_too_little_to_learn_from_is_said() -> None:
    history = History.of_residuals(np.zeros((19, 4)), np.zeros((19, 4)))
    with pytest.raises(ConfigError, match="19 normal snapshots are too few"):
        learn_normal(history, (1,))
    with pytest.raises(ConfigError, match="at least 20"):
        threshold_for(np.zeros(19), 0.1)


def test_thresholds_keep_their_rate(rng: np.random.Generator) -> None:
    for rate, n in ((0.05, 2000), (0.01, 5000)):
        threshold = threshold_for(rng.normal(size=n), rate)
        new = (rng.normal(size=200_000) > threshold).mean()
        assert rate / 1.5 < new < rate * 1.5
    # Rarer than anything seen: an exponential tail is continued as it is.
    threshold = threshold_for(rng.exponential(size=1000), 1e-5)
    assert 1e-6 < np.exp(-threshold) < 1e-4
    rates = [0.2, 0.1, 0.05, 1e-2, 1e-3, 1e-4, 1e-6]
    scores = rng.normal(size=500)
    found = [threshold_for(scores, rate) for rate in rates]
    assert found == sorted(found)
    # A training without any variation does not say that there is none.
    assert threshold_for(np.zeros(100), 1e-4, least_excess=1.0) == pytest.approx(
        np.log(1e3), rel=0.1
    )


def test_averages_are_means_of_what_was_heard(rng: np.random.Generator) -> None:
    averager = Averager(4, 3, 2)
    residuals = rng.normal(size=(6, 3, 2))
    kinds = np.full((6, 3), MEASURED, np.uint8)
    kinds[3, 0] = MISSING
    kinds[3:6, 1] = MISSING
    kinds[4, 2] = LOWER_BOUND
    for residual_db, kind in zip(residuals, kinds, strict=True):
        averager.push(replace(window_of(residual_db), kind=kind))
    mean = averager.mean(np.ones((3, 2)), 1)
    np.testing.assert_allclose(mean.residual_db[0], residuals[[2, 4, 5], 0].mean(axis=0))
    np.testing.assert_allclose(mean.residual_db[2], residuals[2:, 2].mean(axis=0))
    assert mean.kind.tolist() == [MEASURED, MISSING, LOWER_BOUND]
