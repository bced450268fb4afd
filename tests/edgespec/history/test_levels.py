"""A minute is kept to half a decibel, in few bytes, and nothing that is damaged is shown."""

import sqlite3
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from edgespec.clock import ClockQuality
from edgespec.history.levels import minute_rows
from edgespec.history.opening import history_path
from edgespec.history.past import Past
from edgespec.level_scale import UNCALIBRATED, LevelScale
from tests.made.event import MONDAY_NS, NS
from tests.made.history import keep_minutes, minute_of, store_of


def test_a_minute_comes_back_to_half_a_step(tmp_path: Path, rng: np.random.Generator) -> None:
    scale = LevelScale(-30.0, 24.0, date(2026, 11, 28))
    made = minute_of(0, rng)
    store = store_of(tmp_path)
    store.keep(minute_rows(made, ClockQuality.STEPPED, scale))
    store.close()
    (found,) = Past(tmp_path).minutes()
    assert (found.clock, found.scale) == ("stepped", scale)
    for name in ("band", "utc_ns", "duration_s", "n_means", "rbw_hz", "level_dbfs", "floor_dbfs"):
        assert getattr(found.minute, name) == getattr(made, name)
    np.testing.assert_array_equal(found.minute.freqs_hz, made.freqs_hz)
    for name in ("max_dbfs", "mean_dbfs", "median_dbfs"):
        np.testing.assert_allclose(getattr(found.minute, name), getattr(made, name), atol=0.251)
    np.testing.assert_allclose(found.minute.occupancy, made.occupancy, atol=0.0026)
    np.testing.assert_allclose(found.minute.exceeded_dbfs, made.exceeded_dbfs, atol=0.251)


def test_a_minute_of_an_older_version_has_no_amplitude_distribution(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    made = replace(minute_of(0, rng), exceeded_dbfs=np.empty(0, np.float32))
    keep_minutes(tmp_path, [made])
    (found,) = Past(tmp_path).minutes()
    assert len(found.minute.exceeded_dbfs) == 0
    np.testing.assert_allclose(found.minute.max_dbfs, made.max_dbfs, atol=0.251)


@pytest.mark.parametrize(("low", "high"), [(-200.0, -200.0), (-200.0, 0.0), (-128.0, 0.0)])
def test_of_a_range_that_does_not_fit_the_top_is_kept(
    tmp_path: Path, low: float, high: float, rng: np.random.Generator
) -> None:
    made = minute_of(0, rng)
    for trace in (made.max_dbfs, made.mean_dbfs, made.median_dbfs):
        trace[:] = low
        trace[7] = high
    store = store_of(tmp_path)
    store.keep(minute_rows(made, ClockQuality.SYNCHRONISED, UNCALIBRATED))
    store.close()
    (found,) = Past(tmp_path).minutes()
    assert found.minute.max_dbfs[7] == pytest.approx(high, abs=0.26)
    assert found.minute.max_dbfs[8] == pytest.approx(max(low, high - 127.5), abs=1.3)


def test_a_day_of_a_band_is_less_than_two_megabytes(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    keep_minutes(tmp_path, (minute_of(number, rng, n_bins=256) for number in range(144)))
    assert history_path(tmp_path).stat().st_size < 2e5


def test_minutes_are_found_by_band_and_time_in_the_order_of_their_coming(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """Of a clock that is set back by an hour, the later minute comes later."""
    made = [minute_of(number, rng, band="gsm" if number % 2 else "lte") for number in range(4)]
    keep_minutes(tmp_path, [*made, minute_of(-60, rng)])
    past = Past(tmp_path)

    def begins(**which: object) -> list[int]:
        return [(one.minute.utc_ns - MONDAY_NS) // NS // 60 for one in past.minutes(**which)]

    assert begins() == [0, 1, 2, 3, -60]
    assert begins(band="lte") == [0, 2, -60]
    assert begins(since_ns=MONDAY_NS + 60 * NS) == [1, 2, 3]
    assert begins(until_ns=MONDAY_NS + 60 * NS) == [0, -60]
    assert begins(band="x") == []


def test_an_axis_is_kept_once(tmp_path: Path, rng: np.random.Generator) -> None:
    keep_minutes(tmp_path, (minute_of(k, rng, center_hz=8e8 + 1e6 * (k % 2)) for k in range(10)))
    base = sqlite3.connect(history_path(tmp_path))
    assert base.execute("SELECT count(*) FROM axes").fetchone() == (2,)
    base.close()
    centers = [round(one.minute.freqs_hz.mean() / 1e6) for one in Past(tmp_path).minutes()]
    assert centers == [800, 801] * 5


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE levels SET traces = ?", b"x"),
        ("UPDATE levels SET traces = ?", b""),
        ("UPDATE levels SET traces = ?", "text"),
        ("UPDATE levels SET traces = ?", zlib.compress(bytes(10**6))),
        ("UPDATE axes SET freqs_hz = ?", zlib.compress(b"123")),
        ("UPDATE axes SET freqs_hz = ?", zlib.compress(bytes(8 * 3))),
        ("UPDATE levels SET calibrated = ?", "yesterday"),
        ("UPDATE levels SET base_dbfs = ?", "loud"),
    ],
)
def test_what_cannot_be_unpacked_is_left_out(
    tmp_path: Path, rng: np.random.Generator, statement: str, value: object
) -> None:
    keep_minutes(tmp_path, [minute_of(0, rng)])
    base = sqlite3.connect(history_path(tmp_path))
    base.execute(statement, (value,))
    base.commit()
    base.close()
    assert Past(tmp_path).minutes() == []
