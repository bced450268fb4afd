"""Side inputs of segments of sweeps are what the device would have known at each of them."""

from dataclasses import replace

import numpy as np
import pytest

from converter.data.model_inputs import ModelInputs
from converter.data.side_inputs import side_rows, with_sides
from edgespec.dsp.hour_means import HourMeans
from edgespec.errors import UsageError
from edgespec.side_input import DAYS, HOUR_NS, HOURS, SAME_HOURS
from edgespec.sweep_table import SweepTable

N_CONTEXT = 4
SIDES = (HOURS, DAYS, SAME_HOURS)


def sweeps(rng: np.random.Generator, n_days: int = 5) -> SweepTable:
    """Four sweeps an hour of three points, from an odd time on."""
    utc_s = 1.7e9 + 900.0 * np.arange(n_days * 96)
    levels = rng.uniform(-90, -40, (len(utc_s), 3)).astype(np.float32)
    return SweepTable("made", utc_s, np.array([1e6, 2e6, 3e6]), levels, 1.8, 1e5)


def test_they_are_the_memory_of_a_device_that_heard_the_same(rng: np.random.Generator) -> None:
    table = sweeps(rng)
    starts = rng.permutation(table.n_sweeps - N_CONTEXT)[:60]
    found = side_rows(table, SIDES, starts, N_CONTEXT)
    for number, start in enumerate(starts):
        memory = HourMeans(3, 72)
        for at in range(start + N_CONTEXT):
            memory.add(round(table.utc_s[at] * 1e9), table.levels_db[at])
        begins_ns = round(table.utc_s[start + N_CONTEXT] * 1e9)
        for at, side in enumerate(SIDES):
            expected = memory.rows(side, begins_ns)
            is_known = np.isfinite(expected)
            assert found.known[number, at] == is_known.mean()
            rows = found.rows_db[at][number]
            np.testing.assert_allclose(rows[is_known], expected[is_known], rtol=0, atol=1e-5)
            assert np.isfinite(rows).all()


def test_nothing_of_the_future_is_in_them(rng: np.random.Generator) -> None:
    table = sweeps(rng)
    starts = np.array([10, 200, 401])
    found = side_rows(table, SIDES, starts, N_CONTEXT)
    for number, start in enumerate(starts):
        levels = table.levels_db.copy()
        levels[start + N_CONTEXT :] += 40.0
        other = side_rows(replace(table, levels_db=levels), SIDES, starts, N_CONTEXT)
        for one, changed in zip(found.rows_db, other.rows_db, strict=True):
            assert np.array_equal(one[number], changed[number])


def test_where_nothing_is_known_the_mean_of_the_context_stands_in(
    rng: np.random.Generator,
) -> None:
    table = sweeps(rng)
    found = side_rows(table, (DAYS, SAME_HOURS), np.array([0]), N_CONTEXT)
    assert (found.known == 0.0).all()
    mean = 10 * np.log10(np.mean(10 ** (table.levels_db[:N_CONTEXT] / 10.0), axis=0))
    for rows in found.rows_db:
        np.testing.assert_allclose(rows[0], np.tile(mean, (3, 1)), rtol=0, atol=1e-3)


def test_a_day_without_sweeps_is_stood_in_for_alone(rng: np.random.Generator) -> None:
    table = sweeps(rng)
    hour = table.utc_s * 1e9 // HOUR_NS
    last = hour[-1]
    kept = ~((hour >= last - 48) & (hour < last - 24))
    gapped = replace(table, utc_s=table.utc_s[kept], levels_db=table.levels_db[kept])
    start = np.array([gapped.n_sweeps - 1 - N_CONTEXT])
    found = side_rows(gapped, (DAYS,), start, N_CONTEXT)
    assert found.known[0, 0] == pytest.approx(2 / 3)


def test_points_that_were_not_measured_count_in_no_mean(rng: np.random.Generator) -> None:
    table = sweeps(rng)
    levels = table.levels_db.copy()
    levels[:300, 1] = np.nan
    holed = replace(table, levels_db=levels)
    found = side_rows(holed, (DAYS,), np.array([350]), N_CONTEXT)
    assert found.known[0, 0] < 1.0
    assert np.isfinite(found.rows_db[0]).all()
    with pytest.raises(UsageError, match="points that were not measured"):
        side_rows(holed, (DAYS,), np.array([298]), N_CONTEXT)


@pytest.mark.parametrize("start", [-1, 480 - N_CONTEXT])
def test_a_horizon_behind_the_table_is_refused(rng: np.random.Generator, start: int) -> None:
    with pytest.raises(UsageError, match="segments begin at the sweeps"):
        side_rows(sweeps(rng), SIDES, np.array([start]), N_CONTEXT)


def test_all_of_it_is_standardised_by_the_context(rng: np.random.Generator) -> None:
    table = sweeps(rng)
    starts = np.array([300, 17])
    contexts = np.stack([table.levels_db[i : i + N_CONTEXT] for i in starts])
    rows = side_rows(table, SIDES, starts, N_CONTEXT)
    given = with_sides(contexts, rows)
    assert len(given) == 2
    for number, (window, *sides) in enumerate(given):
        mean, std = contexts[number].mean(), contexts[number].std()
        np.testing.assert_allclose(window, (contexts[number] - mean) / std, atol=1e-4)
        for side, side_db in zip(sides, rows.rows_db, strict=True):
            np.testing.assert_allclose(side, (side_db[number] - mean) / std, atol=1e-4)


def test_each_window_takes_one_of_each() -> None:
    with pytest.raises(UsageError, match="there are 2 windows and side inputs for"):
        ModelInputs(np.zeros((2, 4, 3), np.float32), (np.zeros((1, 3, 3), np.float32),))
