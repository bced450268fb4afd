"""What a site that is watched follows from snapshot to snapshot, against the plainest arrays."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.twin.collector import Snapshot
from edgespec.twin.detectors.window import Window
from edgespec.twin.learning.bias import BoundedBias
from edgespec.twin.learning.history import total_db
from edgespec.twin.learning.normal import NormalStatistics
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING
from edgespec.twin.options import DetectOptions
from edgespec.twin.plausibility.units import Trust
from edgespec.twin.residuals import Residuals
from tests import naive

UNITS, SUBBANDS = 9, 5
KINDS = np.array([MISSING, MEASURED, MEASURED, MEASURED, LOWER_BOUND], np.uint8)


def window_of(rng: np.random.Generator, shift_db: np.ndarray, scale_db: np.ndarray) -> Window:
    residual_db = rng.normal(0.0, 2.0, (UNITS, SUBBANDS)) + shift_db[:, None]
    kind = rng.choice(KINDS, UNITS)
    residual_db[kind == MISSING] = np.nan
    return Window(residual_db, scale_db, residual_db, residual_db[:, 0], kind, 1)


@pytest.mark.parametrize("seed", range(6))
def test_trust_is_that_of_the_plainest_arrays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = DetectOptions(averages=4)
    repeat_share = np.resize([0.0, 0.01, 0.5], UNITS)
    trust = Trust(options, repeat_share, SUBBANDS)
    plain = naive.Distrust(options.implausible_db, 2.0 / 5.0, repeat_share < 0.05, SUBBANDS)
    scale_db = rng.uniform(0.5, 4.0, (UNITS, SUBBANDS))
    shift_db = np.where(rng.random(UNITS) < 0.3, rng.normal(0.0, 40.0, UNITS), 0.0)
    level_db = rng.normal(-80.0, 3.0, (UNITS, SUBBANDS))
    distrusted: list[int] = []
    seen = set()
    for k in range(120):
        if k % 40 == 39:
            shift_db = np.where(rng.random(UNITS) < 0.3, rng.normal(0.0, 40.0, UNITS), 0.0)
        window = window_of(rng, shift_db, scale_db)
        if k == 50:
            window = replace(window, kind=np.zeros(UNITS, np.uint8))
        is_stuck = k > 60
        level_db = np.where(
            (np.arange(UNITS) < (3 if is_stuck else 0))[:, None],
            level_db,
            rng.normal(-80.0, 3.0, (UNITS, SUBBANDS)),
        )
        is_alarm, is_held = bool(k % 7 == 3), rng.random(UNITS) < 0.1
        is_occupied = rng.random((UNITS, SUBBANDS)) < 0.5
        trust.update(level_db, window, is_occupied, is_alarm, is_held)
        distrusted = plain.update(level_db, window, is_occupied, is_alarm, is_held, distrusted)
        assert list(trust.reasons) == distrusted
        np.testing.assert_allclose(trust._mean_db, plain.mean_db)
        np.testing.assert_array_equal(trust._n_same, plain.n_same)
        seen.update(reason.split()[0] for reason in trust.reasons.values())
    assert seen == {"reads", "its"}


def test_drift_is_that_of_the_plainest_arrays(rng: np.random.Generator) -> None:
    options = DetectOptions(bias_bound_db=0.05, bias_db_per_hour=1.5)
    bias, drift_db = BoundedBias(options, UNITS), np.zeros(UNITS)
    for _ in range(200):
        window = window_of(rng, np.full(UNITS, 1.0), np.ones((UNITS, SUBBANDS)))
        bias.follow(window.residual_db, window.kind, 10.0)
        step_db = 1.5 * 10.0 / 3600.0
        drift_db = naive.drifted(drift_db, window.residual_db, window.kind, step_db, 0.05)
    np.testing.assert_allclose(bias.drift_db, drift_db)
    assert bias.drift_db.max() == 0.05


def test_residuals_are_what_is_above_expectation_and_bias(rng: np.random.Generator) -> None:
    shape = (UNITS, SUBBANDS)
    normal = NormalStatistics(
        rng.normal(0.0, 3.0, (2, *shape)), rng.uniform(0.5, 3.0, (2, 2, *shape)), (1, 2)
    )
    expected_dbm, is_occupied = rng.uniform(-100, -60, shape), rng.random(shape) < 0.5
    residuals = Residuals(normal, expected_dbm, is_occupied)
    drift_db = rng.normal(0.0, 1.0, UNITS)
    for _ in range(2):
        level_db = rng.uniform(-100, -60, shape)
        kind = rng.choice(KINDS, UNITS)
        level_db[kind == MISSING] = np.nan
        snapshot = Snapshot(1, 1, level_db, kind, np.zeros(UNITS, np.bool_))
        window = residuals.window(snapshot, drift_db)
        bias_db = np.where(is_occupied, normal.bias_db[1], normal.bias_db[0]) + drift_db[:, None]
        wanted_db = level_db - expected_dbm - bias_db
        np.testing.assert_allclose(window.residual_db, wanted_db)
        np.testing.assert_allclose(residuals.bias_db(drift_db), bias_db)
        np.testing.assert_allclose(window.total_db, total_db(level_db) - total_db(expected_dbm))
        assert residuals.lowest_db == pytest.approx(wanted_db[kind == MEASURED].min())
        scale_db = np.where(is_occupied, normal.scale_db[0, 1], normal.scale_db[0, 0])
        np.testing.assert_array_equal(window.scale_db, scale_db)
        # What transmitters give changes, and with it what is usual.
        expected_dbm, is_occupied = expected_dbm + 3.0, ~is_occupied
        residuals.expect(expected_dbm, is_occupied)
