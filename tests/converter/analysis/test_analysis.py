"""A whole analysis: its numbers, its picture, and what it does with broken sweeps."""

import json
from pathlib import Path

import numpy as np
import pytest

from converter.analysis.analysis import analyse, numbers
from converter.analysis.picture import draw_analysis
from edgespec.errors import SourceError
from edgespec.sweep_table import SweepTable

pytest.importorskip("matplotlib")


def made(rng: np.random.Generator, n_sweeps: int = 500, step_s: float = 900.0) -> SweepTable:
    """Ten points, of which two are one carrier, with a day of 4 dB."""
    utc_s = 1.7e9 + step_s * np.arange(n_sweeps)
    day_db = 2 * np.cos(2 * np.pi * utc_s / 86_400)
    levels_db = rng.normal(-90, 1, (n_sweeps, 10)) + day_db[:, None]
    levels_db[:, 5] = levels_db[:, 4] + rng.normal(0, 0.1, n_sweeps)
    freqs_hz = 4e8 + 1e5 * np.arange(10)
    return SweepTable("roof", utc_s, freqs_hz, levels_db.astype(np.float32), 3.0, 1e5, unit="dBm")


def test_the_numbers_are_those_of_the_sweeps(rng: np.random.Generator) -> None:
    told: list[str] = []
    found = analyse(made(rng), lambda text, _: told.append(text))
    result = json.loads(json.dumps(numbers(found), allow_nan=False))
    assert found.of_points[4, 5] > 0.98 > found.of_points[4, 6]
    assert found.of_points.shape == (10, 10)
    assert result["day"]["swing_db"] == pytest.approx(4.0, abs=0.8)
    assert result["periods"][0]["name"] == "a day"
    assert 0.5 < result["correlation"]["mean"] < 0.8
    assert "It has a day" in result["stationarity"]["words"]
    assert result["range_hz"] == [4e8, 4.009e8]
    assert any("correlations" in text for text in told)
    # A day that comes again is no drift.
    assert found.stationarity.level_stays


@pytest.mark.parametrize("n_sweeps", [16, 17, 40, 500])
def test_a_picture_is_drawn_of_few_and_of_many(
    n_sweeps: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    draw_analysis(analyse(made(rng, n_sweeps)), tmp_path / "roof.png")
    assert (tmp_path / "roof.png").read_bytes().startswith(b"\x89PNG")


def test_broken_sweeps_do_not_break_it(rng: np.random.Generator, tmp_path: Path) -> None:
    table = made(rng)
    table.levels_db[:, 0] = np.nan
    table.levels_db[:, 1] = -60.0
    table.levels_db[rng.random(table.levels_db.shape) < 0.1] = np.nan
    table.levels_db[50:90] = np.nan
    table.utc_s[300:] += 2e5
    found = analyse(table)
    json.dumps(numbers(found), allow_nan=False)
    draw_analysis(found, tmp_path / "roof.png")
    assert np.isnan(found.of_points[0]).all()
    assert found.of_points[4, 5] > 0.98
    assert found.coverage.n_empty == 40
    assert found.periodogram.peaks[0].name == "a day"


@pytest.mark.parametrize("n_points", [1, 2, 700])
def test_any_number_of_points_will_do(
    n_points: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    levels_db = rng.normal(-90, 1, (60, n_points)).astype(np.float32)
    freqs_hz = 1e8 + 1e5 * np.arange(n_points)
    found = analyse(SweepTable("few", 5.0 * np.arange(60), freqs_hz, levels_db, 5.0, 1e5))
    assert len(found.of_points) == min(n_points, 512)
    numbers(found)
    draw_analysis(found, tmp_path / "few.png")


def test_one_sweep_is_too_few(rng: np.random.Generator) -> None:
    with pytest.raises(SourceError, match="it takes 16"):
        analyse(made(rng, 1))
