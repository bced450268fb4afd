"""A usual day: each minute at its time of the day, and no day's guest in the median."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.band_minute import BandMinute
from edgespec.config import BandConfig, Config, NodeConfig
from edgespec.ops.history import day
from edgespec.ops.history.day import day_cycle
from edgespec.ops.history.report import BandHistory, band_history
from tests.made.event import MONDAY_NS
from tests.made.history import keep_minutes, minute_of

DAY_NS = 86_400 * 10**9
#: The first minute of the day on which the made ones are.
MIDNIGHT_NS = MONDAY_NS // DAY_NS * DAY_NS


def at(number_of_day: int, hour: float, mean_dbfs: float, rng: np.random.Generator) -> BandMinute:
    """A flat minute at an hour of a day."""
    utc_ns = MIDNIGHT_NS + number_of_day * DAY_NS + round(hour * 3600e9)
    one = minute_of(0, rng)
    levels = np.full(64, mean_dbfs, np.float32)
    return replace(
        one,
        utc_ns=utc_ns,
        level_dbfs=mean_dbfs + 18.0,
        mean_dbfs=levels,
        max_dbfs=levels,
        median_dbfs=levels,
    )


def found_of(state_dir: Path, minutes: list[BandMinute]) -> BandHistory:
    keep_minutes(state_dir, minutes)
    config = Config(node=NodeConfig(state_dir=state_dir), band=(BandConfig(id="lte"),))
    return band_history(config, "lte", 0, 1 << 62)


def test_minutes_are_at_their_time_of_the_day_and_nowhere_else(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    minutes = [at(0, 6.0, -80.0, rng), at(0, 6.2, -70.0, rng), at(1, 23.99, -60.0, rng)]
    cycle = day_cycle(found_of(tmp_path, minutes), "mean")
    assert cycle.values.shape == (96, 64)
    is_heard = np.isfinite(cycle.values).all(axis=1)
    assert np.flatnonzero(is_heard).tolist() == [24, 95]
    np.testing.assert_allclose(cycle.values[24], -75.0, atol=0.26)
    np.testing.assert_allclose(cycle.values[95], -60.0, atol=0.26)
    assert cycle.days.tolist() == [MIDNIGHT_NS // DAY_NS, MIDNIGHT_NS // DAY_NS + 1]
    assert cycle.levels[0, 24] == pytest.approx(-57.0, abs=0.26)
    assert np.isnan(cycle.levels[1, 24])


@pytest.mark.parametrize("levels", [(-80.0,), (-80.0, -70.0), (-80.0, -78.0, -20.0)])
def test_the_usual_is_the_median_of_the_days(
    tmp_path: Path, rng: np.random.Generator, levels: tuple[float, ...]
) -> None:
    minutes = [at(number, 12.0, level, rng) for number, level in enumerate(levels)]
    # A day on which nothing was heard at that hour does not count.
    minutes.append(at(5, 3.0, -40.0, rng))
    cycle = day_cycle(found_of(tmp_path, minutes), "mean")
    np.testing.assert_allclose(cycle.values[48], np.median(levels), atol=0.26)
    np.testing.assert_allclose(cycle.values[12], -40.0, atol=0.26)
    np.testing.assert_allclose(cycle.levels[: len(levels), 48], np.add(levels, 18.0), atol=0.26)


def test_the_order_of_minutes_does_not_matter(tmp_path: Path, rng: np.random.Generator) -> None:
    minutes = [at(n % 4, float(n % 24), -60.0 - n, rng) for n in range(30)]
    forward = day_cycle(found_of(tmp_path / "a", minutes), "mean")
    backward = day_cycle(found_of(tmp_path / "b", minutes[::-1]), "mean")
    np.testing.assert_allclose(forward.values, backward.values, atol=1e-4)


def test_of_very_many_cells_there_are_hours(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = found_of(tmp_path, [at(n, 6.5, -70.0, rng) for n in range(3)])
    assert len(day_cycle(found, "mean").values) == 96
    monkeypatch.setattr(day, "_MOST_CELLS", 3 * 96 * 64 - 1)
    cycle = day_cycle(found, "mean")
    assert len(cycle.values) == 24
    np.testing.assert_allclose(cycle.values[6], -70.0, atol=0.26)


@pytest.mark.parametrize("trace", ["max", "mean", "median", "occupancy"])
@pytest.mark.parametrize("n_days", [1, 3])
def test_it_is_drawn(tmp_path: Path, rng: np.random.Generator, trace: str, n_days: int) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    from edgespec.ops.history.day_picture import day_figure, draw_day

    minutes = [at(n, hour, -70.0 + hour, rng) for n in range(n_days) for hour in range(1, 23)]
    found = found_of(tmp_path, minutes)
    figure = day_figure(found, trace)
    panels = {panel.get_label(): panel for panel in figure.axes}
    (image,) = panels["heat"].images
    drawn = np.asarray(image.get_array())
    assert drawn.shape == (64, 96)
    assert image.get_extent()[:2] == [0.0, 24.0]
    # A line a day, and the usual one.
    assert len(panels["level"].lines) == n_days + 1
    assert ("median of 3 days" in figure.get_suptitle()) == (n_days == 3)
    draw_day(found, trace, tmp_path / "day.png")
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
