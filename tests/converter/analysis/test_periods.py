"""Periods: those that are there are named, and those of a level that wanders are not."""

import numpy as np
import pytest
from scipy.signal import lfilter

from converter.analysis.periods import autocorrelation, find_periods
from converter.analysis.trend import DAY_S
from tests import naive

STEP_S = 600.0
#: Six days, of ten minutes each.
UTC_S = STEP_S * np.arange(864)


def wandering(memory: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(lfilter([1], [1, -memory], rng.standard_normal(n + 1000))[1000:])


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_one_recording_in_a_hundred_has_one_by_chance(
    memory: float, rng: np.random.Generator
) -> None:
    false = sum(bool(find_periods(UTC_S, wandering(memory, 864, rng)).peaks) for _ in range(200))
    assert false <= 8


@pytest.mark.parametrize(
    ("period_s", "name"),
    [(DAY_S, "a day"), (DAY_S / 2, "half a day"), (7200.0, "2 hours"), (3600.0, "an hour")],
)
def test_a_period_is_named(period_s: float, name: str, rng: np.random.Generator) -> None:
    wave = 3 * np.sin(2 * np.pi * UTC_S / period_s)
    found = find_periods(UTC_S, wave + wandering(0.8, 864, rng))
    assert found.peaks[0].name == name
    assert found.peaks[0].period_s == pytest.approx(period_s, rel=0.02)
    # The wave has 4.5 dB^2, what wanders 1 / (1 - .8^2).
    assert found.peaks[0].share == pytest.approx(4.5 / (4.5 + 2.78), abs=0.12)
    # The memory is that of what is left without it.
    assert found.memory == pytest.approx(0.8, abs=0.1)


def test_a_week_and_a_day_are_two(rng: np.random.Generator) -> None:
    utc_s = 3600.0 * np.arange(24 * 28)
    level_db = 3 * np.sin(2 * np.pi * utc_s / DAY_S) + 2 * np.sin(2 * np.pi * utc_s / (7 * DAY_S))
    found = find_periods(utc_s, level_db + rng.standard_normal(len(utc_s)))
    assert {peak.name for peak in found.peaks} == {"a day", "a week"}


def test_it_goes_on_where_levels_are_missing(rng: np.random.Generator) -> None:
    level_db = 2 * np.sin(2 * np.pi * UTC_S / DAY_S) + rng.standard_normal(864)
    level_db[100:180] = np.nan
    level_db[rng.random(864) < 0.2] = np.nan
    found = find_periods(UTC_S, level_db)
    assert found.peaks[0].name == "a day"
    assert np.isfinite(found.power).all()


def test_a_slow_wave_does_not_hide_a_weak_fast_one(rng: np.random.Generator) -> None:
    level_db = 5 * np.sin(2 * np.pi * UTC_S / (2 * DAY_S)) + 0.7 * np.sin(2 * np.pi * UTC_S / 5400)
    found = find_periods(UTC_S, level_db + 0.5 * rng.standard_normal(864))
    assert {"2 days", "90 minutes"} <= {peak.name for peak in found.peaks}


def test_what_has_next_to_nothing_of_the_variance_is_not_named(rng: np.random.Generator) -> None:
    level_db = 20 * np.sin(2 * np.pi * UTC_S / (2 * DAY_S)) + 0.5 * np.sin(2 * np.pi * UTC_S / 5400)
    found = find_periods(UTC_S, level_db + 0.5 * rng.standard_normal(864))
    assert [peak.name for peak in found.peaks] == ["2 days"]


def test_power_has_a_mean_of_one_and_too_little_has_none() -> None:
    rng = np.random.default_rng(3)
    found = find_periods(UTC_S, rng.standard_normal(864))
    assert found.power.mean() == pytest.approx(1.0)
    assert found.period_s[0] == pytest.approx(864 * STEP_S / 2)
    assert len(find_periods(UTC_S[:3], np.array([1.0, 2.0, 3.0])).period_s) == 0
    assert find_periods(UTC_S, np.ones(864)).peaks == ()


def test_autocorrelation_is_that_of_the_definition(rng: np.random.Generator) -> None:
    level_db = wandering(0.7, 80, rng)
    level_db[rng.random(80) < 0.3] = np.nan
    level_db[70:] = np.nan
    found = autocorrelation(level_db, 75)
    np.testing.assert_allclose(found, naive.autocorrelation(level_db, 75), atol=1e-9)
    assert found[0] == 1
    assert np.isnan(found[-1])
