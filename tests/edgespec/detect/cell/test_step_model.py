"""The forecast of a level and its matched filter, beside plain loops and least squares."""

import math

import numpy as np
import pytest

from edgespec.detect.cell.step_model import fit_step_model
from edgespec.detect.cell.terms import N_HISTORY, N_LOOK
from tests.made.levels import N_BINS, fading


def plain_deviation(model, level, row):
    """The deviation of one row, number by number."""
    largest = 0.0
    for part in range(len(model.starts)):
        logs = []
        for r in range(row - N_HISTORY, row + 1):
            total = sum(level[r, model.starts[part] : model.stops[part]])
            ratio = max(total / model.usual[part], 0.05)
            logs.append(math.log(ratio + 0.3) - model.mean[part])
        errors = []
        for k in range(N_LOOK):
            now = len(logs) - N_LOOK + k
            foretold = sum(w * logs[now - 1 - j] for j, w in enumerate(model.past[:, part]))
            errors.append(logs[now] - foretold)
        found = sum(t * e for t, e in zip(model.trace[:, part], errors, strict=True))
        largest = max(largest, abs(found) / model.scale[part])
    return largest


def noisy(rng, n_rows):
    return fading(n_rows, rng, 10.0) * (1.0 + 0.02 * rng.standard_normal((n_rows, N_BINS)))


def test_it_is_the_plain_sum(rng: np.random.Generator) -> None:
    level = noisy(rng, 900)
    model = fit_step_model(level[:800])
    deviations = model.deviations(level[800:])
    assert not deviations[:N_HISTORY].any()
    for row in range(N_HISTORY, 100, 7):
        assert deviations[row] == pytest.approx(plain_deviation(model, level[800:], row))


def test_the_forecast_is_that_of_least_squares(rng: np.random.Generator) -> None:
    level = noisy(rng, 800)
    model = fit_step_model(level)
    logs = np.log(level.sum(axis=1) / model.usual[0] + 0.3)
    around = logs - logs.mean()
    n_past = len(model.past)
    past = np.stack([around[n_past - 1 - k : -1 - k] for k in range(n_past)], axis=1)
    expected, *_ = np.linalg.lstsq(past, around[n_past:], rcond=None)
    errors = around[n_past:] - past @ model.past[:, 0]
    least = around[n_past:] - past @ expected
    # A ridge costs little.
    assert errors.var() < 1.3 * least.var()


def test_parts_cover_the_band_and_the_trace_has_norm_one(rng: np.random.Generator) -> None:
    model = fit_step_model(noisy(rng, 800))
    assert (model.starts[0], model.stops[0]) == (0, N_BINS)
    widths = model.stops - model.starts
    for width in np.unique(widths):
        covered = np.zeros(N_BINS, bool)
        for start in model.starts[widths == width]:
            covered[start : start + width] = True
        assert covered.all()
    np.testing.assert_allclose((model.trace**2).sum(axis=0), 1.0)


def test_no_gain_changes_a_deviation(rng: np.random.Generator) -> None:
    level = noisy(rng, 900)
    model = fit_step_model(level[:800])
    before = model.deviations(level[800:]).copy()
    model.follow(10.0)
    np.testing.assert_allclose(model.deviations(10.0 * level[800:]), before)


def test_a_larger_step_never_scores_less(rng: np.random.Generator) -> None:
    level = 1.0 + 0.01 * rng.standard_normal((900, N_BINS))
    model = fit_step_model(level[:800])
    scores = []
    for size_db in (0.5, 1.0, 3.0, 10.0, 20.0):
        changed = level[800:].copy()
        changed[50:] *= 10 ** (size_db / 10)
        scores.append(model.deviations(changed)[50:58].max())
    assert scores == sorted(scores)
    assert scores[0] > 1.0
