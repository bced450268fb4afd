"""Means of hours: what was heard, when UTC says it was, and nothing that nobody knows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.hour_means import LEAST_LOOKS, HourMeans
from edgespec.dsp.stand_in import StandIn, fill_in
from edgespec.side_input import DAYS, HOUR_NS, HOURS, SAME_HOURS, SideInput
from tests import naive

#: A whole day of UTC, and so the first hour of one.
DAY_0 = 20_000 * 24
N_BINS = 5


def heard(hours: range, rng: np.random.Generator) -> list[tuple[int, NDArray[np.float32]]]:
    """Four looks an hour, at levels that differ from hour to hour and bin to bin."""
    looks = []
    for hour in hours:
        for quarter in range(4):
            level = rng.uniform(-90.0, -40.0, N_BINS).astype(np.float32)
            looks.append((hour * HOUR_NS + quarter * HOUR_NS // 4, level))
    return looks


def taken(looks: list[tuple[int, NDArray[np.float32]]], n_hours: int = 72) -> HourMeans:
    memory = HourMeans(N_BINS, n_hours)
    for utc_ns, level in looks:
        memory.add(utc_ns, level)
    return memory


@pytest.mark.parametrize("side", [HOURS, DAYS, SAME_HOURS, SideInput("x", 2, 2, 5)])
def test_rows_are_those_of_the_plain_twin(side: SideInput, rng: np.random.Generator) -> None:
    looks = heard(range(DAY_0, DAY_0 + 90), rng)
    gaps = [look for look in looks if look[0] // HOUR_NS not in (DAY_0 + 40, DAY_0 + 86)]
    memory = taken(gaps)
    for hour in range(DAY_0 + 90, DAY_0 + 94):
        rows = memory.rows(side, hour * HOUR_NS + 17)
        expected = naive.side_rows(gaps, side, hour, LEAST_LOOKS)
        # float32 of a level of 90 dB has steps of 8e-6.
        np.testing.assert_allclose(rows, expected, rtol=0, atol=2e-5)


def test_hours_are_whole_and_the_last_row_is_the_last_hour() -> None:
    memory = HourMeans(1, 3)
    for at in range(4):
        for _ in range(3):
            memory.add((DAY_0 + at) * HOUR_NS + 5, np.array([-50.0 - at], np.float32))
    for within in (0, HOUR_NS - 1):
        rows = memory.rows(HOURS, (DAY_0 + 3) * HOUR_NS + within)
        np.testing.assert_allclose(rows[:, 0], [-50.0, -51.0, -52.0], atol=1e-4)


def test_the_hour_that_goes_on_is_in_no_row(rng: np.random.Generator) -> None:
    looks = heard(range(DAY_0, DAY_0 + 80), rng)
    memory = taken(looks)
    before = [memory.rows(side, (DAY_0 + 80) * HOUR_NS) for side in (HOURS, DAYS, SAME_HOURS)]
    for utc_ns, level in heard(range(DAY_0 + 80, DAY_0 + 81), rng):
        memory.add(utc_ns, level)
    for side, rows in zip((HOURS, DAYS, SAME_HOURS), before, strict=True):
        np.testing.assert_array_equal(memory.rows(side, (DAY_0 + 80) * HOUR_NS), rows)


def test_means_are_of_power() -> None:
    memory = HourMeans(1, 3)
    for level in (-100.0, -100.0, -40.0):
        memory.add(DAY_0 * HOUR_NS, np.array([level], np.float32))
    (last,) = memory.rows(HOURS, (DAY_0 + 1) * HOUR_NS)[-1]
    assert last == pytest.approx(-40.0 - 10 * np.log10(3), abs=1e-4)


def test_a_day_without_data_is_unknown_and_the_others_are_not(rng: np.random.Generator) -> None:
    looks = heard(range(DAY_0, DAY_0 + 72), rng)
    memory = taken([one for one in looks if not 24 <= one[0] // HOUR_NS - DAY_0 < 48])
    rows = memory.rows(DAYS, (DAY_0 + 72) * HOUR_NS)
    assert np.isfinite(rows).all(axis=1).tolist() == [True, False, True]


def test_a_bin_that_was_not_measured_is_unknown_alone() -> None:
    memory = HourMeans(2, 3)
    for _ in range(3):
        memory.add(DAY_0 * HOUR_NS, np.array([-50.0, np.nan], np.float32))
    last = memory.rows(HOURS, (DAY_0 + 1) * HOUR_NS)[-1]
    assert np.isfinite(last).tolist() == [True, False]


def test_too_few_looks_make_no_hour() -> None:
    memory = HourMeans(1, 3)
    for n in range(1, LEAST_LOOKS + 1):
        memory.add(DAY_0 * HOUR_NS + n, np.array([-50.0], np.float32))
        last = memory.rows(HOURS, (DAY_0 + 1) * HOUR_NS)[-1]
        assert np.isfinite(last).all() == (n == LEAST_LOOKS)


def test_a_board_that_starts_in_1970_knows_nothing_then_and_all_of_it_later(
    rng: np.random.Generator,
) -> None:
    memory = taken(heard(range(2), rng))
    assert np.isnan(memory.rows(HOURS, 0)).all()
    # UTC is set: what was heard in 1970 is of no hour that is asked for.
    assert np.isnan(memory.rows(DAYS, (DAY_0 + 3) * HOUR_NS)).all()
    later = heard(range(DAY_0, DAY_0 + 3), rng)
    for utc_ns, level in later:
        memory.add(utc_ns, level)
    alone = taken(later)
    now = (DAY_0 + 3) * HOUR_NS
    np.testing.assert_array_equal(memory.rows(HOURS, now), alone.rows(HOURS, now))


def test_what_a_clock_said_of_the_future_is_forgotten_when_it_is_set_back(
    rng: np.random.Generator,
) -> None:
    wrong = heard(range(DAY_0 + 5000, DAY_0 + 5072), rng)
    right = heard(range(DAY_0, DAY_0 + 72), rng)
    memory, alone = taken(wrong + right), taken(right)
    for hour in (DAY_0 + 72, DAY_0 + 5072):
        for side in (HOURS, DAYS):
            now = hour * HOUR_NS
            np.testing.assert_array_equal(memory.rows(side, now), alone.rows(side, now))


def test_an_hour_that_is_heard_twice_has_both(rng: np.random.Generator) -> None:
    # As where UTC is set back by an hour.
    looks = heard(range(DAY_0, DAY_0 + 1), rng)
    memory, alone = taken(looks + looks), taken(looks)
    now = (DAY_0 + 1) * HOUR_NS
    np.testing.assert_allclose(
        memory.rows(HOURS, now)[-1], alone.rows(HOURS, now)[-1], rtol=0, atol=1e-5
    )


def test_a_step_of_the_gain_moves_all_that_is_known(rng: np.random.Generator) -> None:
    memory = taken(heard(range(DAY_0, DAY_0 + 72), rng))
    now = (DAY_0 + 72) * HOUR_NS
    before = memory.rows(DAYS, now)
    memory.follow(-7.5)
    np.testing.assert_allclose(memory.rows(DAYS, now), before - 7.5, rtol=0, atol=2e-5)


@pytest.mark.parametrize("offset_db", [0.0, 300.0, -300.0])
def test_the_mean_of_the_context_stands_in(rng: np.random.Generator, offset_db: float) -> None:
    context = rng.uniform(-90, -40, (7, N_BINS)).astype(np.float32) + np.float32(offset_db)
    mean = 10 * np.log10(np.mean(10 ** ((context - offset_db) / 10.0), axis=0)) + offset_db
    stand_in = StandIn(7, N_BINS)
    np.testing.assert_allclose(stand_in.mean_db(context), mean, rtol=0, atol=1e-3)
    rows = np.full((3, N_BINS), np.nan, np.float32)
    rows[1] = -55.0
    rows[2, 2] = -56.0
    out = np.empty_like(rows)
    fill_in(rows, np.isfinite(rows), stand_in.mean_db(context), out)
    assert np.array_equal(out[0], stand_in.mean_db(context))
    assert (out[1] == -55.0).all()
    assert out[2, 2] == -56.0
    assert np.array_equal(np.delete(out[2], 2), np.delete(out[0], 2))
