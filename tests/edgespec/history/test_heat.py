"""Minutes on one plane, whatever there is between them."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, NodeConfig
from edgespec.history.heat import HeatMap, heat_map
from edgespec.ops.history.report import band_history
from tests.made.history import keep_minutes, minute_of


def made(state_dir: Path, minutes: list, trace: str = "max") -> HeatMap:
    keep_minutes(state_dir, minutes)
    config = Config(node=NodeConfig(state_dir=state_dir), band=(BandConfig(id="lte"),))
    found = band_history(config, "lte", 0, 1 << 62)
    return heat_map(found.minutes, found.unit, trace)


@pytest.mark.parametrize("trace", ["max", "mean", "median", "occupancy"])
def test_a_minute_is_a_row_and_a_gap_is_none(
    tmp_path: Path, rng: np.random.Generator, trace: str
) -> None:
    minutes = [minute_of(number, rng) for number in (0, 1, 5)]
    heat = made(tmp_path, minutes, trace)
    assert (heat.start_ns, heat.slot_s) == (minutes[0].utc_ns, 60.0)
    assert np.isnan(heat.values[2:5]).all()
    assert len(heat.values) == 6
    for row, minute in zip(heat.values[[0, 1, 5]], minutes, strict=True):
        expected = (
            100.0 * minute.occupancy if trace == "occupancy" else getattr(minute, f"{trace}_dbfs")
        )
        np.testing.assert_allclose(row, expected, atol=0.26)


def test_of_many_minutes_a_slot_has_the_largest(tmp_path: Path, rng: np.random.Generator) -> None:
    minutes = [minute_of(number, rng) for number in range(0, 1600, 10)]
    minutes[7].max_dbfs[5] = -20.0
    heat = made(tmp_path, minutes)
    assert heat.slot_s == 180.0
    assert len(heat.values) == 531
    assert np.nanmax(heat.values[:, 5]) == pytest.approx(-20.0, abs=0.26)
    assert np.nanargmax(heat.values[:, 5]) == round(70 / 3)


def test_before_a_retune_only_what_overlaps_is_shown(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    before, after = minute_of(0, rng, center_hz=805.36e6), minute_of(1, rng)
    heat = made(tmp_path, [before, after])
    np.testing.assert_array_equal(heat.freqs_hz, after.freqs_hz)
    np.testing.assert_allclose(heat.values[0, :32], before.max_dbfs[32:], atol=0.26)
    assert np.isnan(heat.values[0, 34:]).all()
    assert not np.isnan(heat.values[1]).any()


def test_a_clock_that_is_set_back_paints_over(tmp_path: Path, rng: np.random.Generator) -> None:
    heat = made(tmp_path, [minute_of(number, rng) for number in (10, 11, 0, 1)])
    assert len(heat.values) == 12
    assert np.isnan(heat.values[2:10]).all()
