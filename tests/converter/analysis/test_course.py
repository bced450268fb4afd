"""The course of a level: its cells, its trend, the hours of its day, and whether it stays."""

import numpy as np
import pytest

from converter.analysis.coverage import measured_sweeps
from converter.analysis.day_cycle import DayCycle, day_cycle
from converter.analysis.stationarity import judge
from converter.analysis.time_cells import even_cells
from converter.analysis.trend import DAY_S, detrend
from edgespec.errors import SourceError
from edgespec.sweep_table import SweepTable


def table(levels_db: np.ndarray, utc_s: np.ndarray | None = None) -> SweepTable:
    n_sweeps, n_points = levels_db.shape
    utc_s = 10.0 * np.arange(n_sweeps) if utc_s is None else utc_s
    freqs_hz = 1e8 + 1e5 * np.arange(n_points)
    return SweepTable("made", utc_s, freqs_hz, levels_db.astype(np.float32), 10.0, 1e5)


def test_what_was_not_measured_is_counted(rng: np.random.Generator) -> None:
    levels_db = rng.normal(-80, 1, (40, 5))
    levels_db[:, 1] = np.nan
    levels_db[:, 2] = -70.0
    levels_db[3:7] = np.nan
    levels_db[9, 0] = -np.inf
    utc_s = 10.0 * np.arange(40)
    utc_s[20:] += 500.0
    whole, coverage = measured_sweeps(table(levels_db, utc_s))
    assert (coverage.n_sweeps, coverage.n_empty, whole.n_sweeps) == (36, 4, 36)
    # The empty sweeps leave a gap as well.
    assert (coverage.n_gaps, coverage.longest_gap_s, coverage.interval_s) == (2, 510.0, 10.0)
    assert (coverage.n_silent_points, coverage.n_still_points) == (1, 1)
    assert coverage.missing == pytest.approx((36 + 1) / (36 * 5))
    assert np.isnan(whole.levels_db[5, 0])


@pytest.mark.parametrize(
    ("levels_db", "words"),
    [
        (np.zeros((1, 4)), "made has 1 sweeps; .* it takes 16"),
        (np.full((50, 4), np.nan), r"made has 0 sweeps \(50 more have no level\)"),
        (np.ones((50, 4)), "never change at any of its 4 points"),
    ],
)
def test_too_little_is_said(levels_db: np.ndarray, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        measured_sweeps(table(levels_db))


def test_cells_are_means_of_what_falls_into_them(rng: np.random.Generator) -> None:
    levels_db = rng.normal(-80, 1, (100, 3)).astype(np.float32)
    levels_db[4, 1] = np.nan
    one = even_cells(table(levels_db), 10.0, 1000)
    np.testing.assert_array_equal(one.levels_db, levels_db)
    assert one.step_s == 10.0
    few = even_cells(table(levels_db), 10.0, 10)
    assert few.levels_db.shape == (10, 3)
    cell = np.rint(np.arange(100) * 10 / few.step_s).astype(int)
    for number in range(10):
        np.testing.assert_allclose(
            few.levels_db[number], np.nanmean(levels_db[cell == number], axis=0), rtol=1e-6
        )


def test_a_gap_is_empty_and_a_jitter_is_none() -> None:
    utc_s = np.array([0.0, 10.4, 19.7, 30.2, 69.8, 80.0])
    cells = even_cells(table(np.ones((6, 1)), utc_s), 10.0, 100)
    is_empty = np.isnan(cells.levels_db[:, 0])
    assert is_empty.tolist() == [False] * 4 + [True] * 3 + [False] * 2
    assert np.isnan(cells.band_db[4])


def test_a_loud_point_that_is_missing_moves_nothing() -> None:
    levels_db = np.tile([-100.0, -40.0, -90.0], (20, 1))
    levels_db[7, 1] = np.nan
    cells = even_cells(table(levels_db), 10.0, 100)
    np.testing.assert_allclose(cells.band_db, (-100 - 40 - 90) / 3, rtol=1e-6)


def test_a_line_is_taken_off() -> None:
    utc_s = DAY_S * np.linspace(10, 14, 101)
    level_db = -90.0 + 1.5 * (utc_s / DAY_S - 12)
    level_db[5:9] = np.nan
    trend, rest_db = detrend(utc_s, level_db)
    assert (trend.level_db, trend.db_a_day) == pytest.approx((-90.0, 1.5))
    assert trend.moved_db == pytest.approx(6.0)
    assert trend.rest_db < 1e-9 < trend.spread_db
    assert np.isnan(rest_db).sum() == 4


def day_of(swing_db: float, days: float, rng: np.random.Generator) -> DayCycle | None:
    utc_s = 300.0 * np.arange(round(days * 288))
    level_db = swing_db / 2 * np.cos(2 * np.pi * (utc_s / DAY_S - 15.5 / 24))
    return day_cycle(utc_s, level_db + rng.normal(0, 0.5, len(utc_s)))


def test_a_day_is_found(rng: np.random.Generator) -> None:
    cycle = day_of(5.0, 6, rng)
    assert cycle is not None
    assert cycle.is_there
    assert cycle.swing_db == pytest.approx(5.0, abs=0.5)
    assert np.argmax(cycle.mean_db) in (14, 15, 16)
    assert cycle.n_days == 6
    assert cycle.share > 0.9
    at = cycle.at(np.array([15.6 * 3600, 15.6 * 3600 + 7 * DAY_S]))
    np.testing.assert_array_equal(at, cycle.mean_db[15])


def test_none_is_found_where_none_is(rng: np.random.Generator) -> None:
    for _ in range(10):
        cycle = day_of(0.0, 4, rng)
        assert cycle is not None
        assert not cycle.is_there
    assert day_of(5.0, 1.5, rng) is None


def test_hours_that_were_never_heard_say_nothing(rng: np.random.Generator) -> None:
    utc_s = 300.0 * np.arange(288 * 5)
    level_db = rng.normal(0, 1, len(utc_s))
    level_db[utc_s % DAY_S < 8 * 3600] = np.nan
    assert day_cycle(utc_s, level_db) is None


def judged(band_db: np.ndarray, memory: float = 0.0) -> tuple[bool, bool, str]:
    trend, _ = detrend(60.0 * np.arange(len(band_db)), band_db)
    found = judge(band_db, memory, trend, None)
    return found.level_stays, found.spread_stays, found.words


def test_what_stays_and_what_moves_is_said(rng: np.random.Generator) -> None:
    noise = rng.normal(-80, 0.5, 800)
    assert judged(noise)[:2] == (True, True)
    drifting = noise + np.linspace(0, 5, 800)
    stays, _, words = judged(drifting)
    assert not stays
    assert "The level moves" in words
    assert "goes by +5." in words
    widening = -80 + (noise + 80) * np.linspace(1, 6, 800)
    stays, spread_stays, words = judged(widening)
    assert not spread_stays
    assert "Its spread changes" in words
    # What hangs together may wander so far by chance.
    assert judged(noise + np.linspace(0, 0.6, 800))[0] is False
    assert judged(noise + np.linspace(0, 0.6, 800), memory=0.99)[0] is True


def test_a_quarter_without_a_level_is_left_out(rng: np.random.Generator) -> None:
    noise = rng.normal(-80, 0.5, 800)
    noise[:200] = np.nan
    assert judged(noise)[:2] == (True, True)
