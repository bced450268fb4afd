"""What the picture has, panel by panel."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from edgespec.alert import Alert
from edgespec.config import BandConfig, Config, NodeConfig
from edgespec.history.levels import KeptMinute
from edgespec.level_scale import LevelScale
from edgespec.ops.history.picture import draw_history, history_figure
from edgespec.ops.history.report import BandHistory, band_history
from tests.made.event import event_of
from tests.made.history import keep, keep_minutes, minute_of

pytest.importorskip("matplotlib", reason="pictures need matplotlib")


def history_of(
    state_dir: Path, rng: np.random.Generator, alerts: list[Alert], numbers: range = range(60)
) -> BandHistory:
    keep_minutes(state_dir, (minute_of(number, rng) for number in numbers))
    keep(
        state_dir,
        (event_of(event_id=f"e{k}", at_s=300.0 * k, alert=alert) for k, alert in enumerate(alerts)),
    )
    config = Config(node=NodeConfig(state_dir=state_dir), band=(BandConfig(id="lte"),))
    return band_history(config, "lte", 0, 1 << 62)


def panels(figure) -> dict:
    return {panel.get_label(): panel for panel in figure.axes}


@pytest.mark.parametrize("trace", ["max", "mean", "median", "occupancy"])
def test_events_are_boxes_in_the_colour_of_what_they_are(
    tmp_path: Path, rng: np.random.Generator, trace: str
) -> None:
    alerts = [Alert(True, "", "i-1"), Alert(False, "rule", "i-1"), Alert(True, "", "")]
    found = history_of(tmp_path, rng, alerts)
    figure = history_figure(found, trace)
    shown = panels(figure)
    boxes = [line for line in shown["heat"].lines if len(line.get_xdata()) == 5]
    assert sorted(line.get_color() for line in boxes) == ["tab:red", "tab:red", "white"]
    for line in boxes:
        assert line.get_ydata().min() == pytest.approx(806.0)
        assert line.get_ydata().max() == pytest.approx(806.1)
        # A second of an hour is too narrow to be seen.
        assert np.ptp(line.get_xdata()) == pytest.approx(0.003 / 24.0)
    names = [text.get_text() for text in shown["incidents"].get_yticklabels()]
    assert names == ["i-1 (2)", "no name (1)"]
    assert "3 events" in figure.get_suptitle()


def test_the_age_of_the_calibration_is_in_the_title(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    scale = LevelScale(-30.0, None, date(2026, 1, 9))
    minute = minute_of(0, rng)
    report = BandHistory("lte", 0, 1, [KeptMinute(minute, "synchronised", scale)], [], [], [], ())
    figure = history_figure(report, "max")
    assert figure.get_suptitle().endswith(", calibrated 10 days before")
    assert figure.axes[1].get_ylabel() == "dBm"


def test_without_an_event_there_is_no_timetable_and_gaps_stay_open(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    found = history_of(tmp_path, rng, [], range(0, 60, 5))
    shown = panels(history_figure(found, "max"))
    assert "incidents" not in shown
    assert np.isnan(shown["level"].lines[0].get_ydata()).sum() == 11


def test_one_minute_is_a_picture_and_so_is_a_flat_one(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    found = history_of(tmp_path, rng, [], range(1))
    for value in (
        found.minutes[0].minute,
        replace(found.minutes[0].minute, occupancy=np.zeros(64)),
    ):
        one = replace(found.minutes[0], minute=value)
        path = tmp_path / "now.png"
        draw_history(replace(found, minutes=[one]), "max", path)
        assert path.read_bytes().startswith(b"\x89PNG")
