"""Statistics of sweeps whose figures follow from how they are made."""

import numpy as np
import pytest

from benchmarks.detection.swept_statistics import markdown, statistics_of
from edgespec.sweep_table import SweepTable


def table(levels_db: np.ndarray) -> SweepTable:
    n_sweeps, n_points = levels_db.shape
    utc_s, freqs_hz = 1.8 * np.arange(n_sweeps), 1e8 + 1e5 * np.arange(n_points)
    return SweepTable("made", utc_s, freqs_hz, levels_db.astype(np.float32), 1.8, 1e5)


def test_noise_is_forecast_by_its_mean(rng: np.random.Generator) -> None:
    found = statistics_of("noise", [table(rng.normal(-80, 1.0, (6000, 10)))])
    mean_of = np.sqrt(2 / np.pi)
    assert found.mae_last == pytest.approx(np.sqrt(2) * mean_of, rel=0.02)
    assert found.mae_six == pytest.approx(np.sqrt(7 / 6) * mean_of, rel=0.02)
    assert found.ratio == pytest.approx(1 / mean_of, rel=0.02)
    assert found.unexplained == pytest.approx(np.sqrt(81 / 80), rel=0.02)
    assert abs(found.neighbours) < 0.03
    assert abs(found.sweeps) < 0.03


def test_a_level_that_moves_by_the_hour_swings() -> None:
    hours = np.arange(6000) * 1.8 // 3600
    found = statistics_of("steps", [table(np.repeat(-80 + 2.5 * hours[:, None], 4, axis=1))])
    assert found.swing_db == pytest.approx(5.0)
    assert found.neighbours == pytest.approx(1.0)
    assert found.mae_last < 0.01


def test_a_short_block_has_what_it_has() -> None:
    short = statistics_of("short", [table(np.random.default_rng(1).normal(0, 1, (30, 4)))])
    assert short.mae_last > 0
    assert np.isnan(short.mae)
    line = markdown([short]).splitlines()[-1]
    assert line.startswith("| short | 30 |")
    assert "| - |" in line
