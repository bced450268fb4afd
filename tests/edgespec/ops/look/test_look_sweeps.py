"""What a look at sweeps says, and what it draws."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.config import Config, NodeConfig, SourceConfig
from edgespec.errors import SourceError
from edgespec.figures import can_draw
from edgespec.ops.look.sweeps import look_at_sweeps
from edgespec.ops.look.sweeps_picture import sweeps_figure
from tests.made import sweeps
from tests.made.sweeps import LOWER_HZ, STEP_HZ

N_POINTS = 40


def config_of(uri: str, tmp_path: Path) -> Config:
    return Config(
        node=NodeConfig(id="n", state_dir=tmp_path / "state"), source=(SourceConfig(uri=uri),)
    )


def written(tmp_path: Path, table: np.ndarray) -> str:
    path = tmp_path / "a.csv"
    path.write_text(sweeps.rtl_power_text(table, n_hops=2, interval_s=10.0))
    return f"rtl_power:{path}?zone=UTC"


def test_it_says_what_is_strongest_and_occupied(tmp_path: Path) -> None:
    found = look_at_sweeps(config_of(written(tmp_path, sweeps.levels(50, N_POINTS)), tmp_path))
    assert found.table.n_sweeps == 50
    freq_hz, mean_db, max_db = found.strongest()[0]
    assert freq_hz == pytest.approx(LOWER_HZ + STEP_HZ * (N_POINTS // 8))
    assert mean_db == pytest.approx(-30.0, abs=0.5)
    assert max_db > mean_db
    assert found.occupied_share == pytest.approx(3 / N_POINTS)
    assert "50 sweeps of 40 points" in found.as_text()


def test_so_many_sweeps_as_are_asked_for(tmp_path: Path) -> None:
    config = config_of(written(tmp_path, sweeps.levels(50, N_POINTS)), tmp_path)
    assert look_at_sweeps(config, 7).table.n_sweeps == 7


def test_points_that_were_never_measured_have_no_place(tmp_path: Path) -> None:
    table = sweeps.levels(20, N_POINTS)
    table[:, 3] = np.nan
    table[4, 9] = np.nan
    found = look_at_sweeps(config_of(written(tmp_path, table), tmp_path))
    assert found.table.n_points == N_POINTS - 1
    text = json.dumps(found.as_json(), allow_nan=False)
    assert "NaN" not in text


@pytest.mark.skipif(not can_draw(), reason="matplotlib is not installed")
def test_the_picture_has_the_event_that_was_kept(tmp_path: Path) -> None:
    table = sweeps.levels(30, N_POINTS)
    path = sweeps.table_file(tmp_path / "x.sweeps.npz", table)
    told = {"freq_lower_hz": 88.9e6, "freq_upper_hz": 89.1e6, "kind": "narrowband",
            "begin": "2026-11-28T12:00:10Z", "end": "2026-11-28T12:00:15Z"}  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps({"events": [told]}))
    found = look_at_sweeps(config_of(f"rtl_power:{path}", tmp_path))
    assert [one.kind for one in found.found] == ["narrowband"]
    figure = sweeps_figure(found)
    (line,) = [line for line in figure.axes[1].get_lines() if line.get_color() == "tab:red"]
    assert line.get_ydata()[:3].tolist() == [10, 10, 15]
    assert line.get_xdata()[:2].tolist() == pytest.approx([88.9, 89.1])
    path.with_suffix(".json").write_text('{"events": [{}]}')
    assert look_at_sweeps(config_of(f"rtl_power:{path}", tmp_path)).found == ()


def test_no_sweep_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("")
    with pytest.raises(SourceError, match="holds no sweep"):
        look_at_sweeps(config_of(f"rtl_power:{path}", tmp_path))


@pytest.mark.parametrize("command", [["survey", "--source"], ["bench", "--source"]])
def test_commands_that_take_samples_say_so(tmp_path: Path, command: list[str]) -> None:
    uri = written(tmp_path, sweeps.levels(20, N_POINTS))
    told = CliRunner().invoke(main, [*command, uri])
    assert told.exit_code == 2
    assert "gives sweeps" in told.output


def test_look_takes_sweeps_on_the_command_line(tmp_path: Path) -> None:
    uri = written(tmp_path, sweeps.levels(20, N_POINTS))
    told = CliRunner().invoke(main, ["look", "--source", uri, "--json", "--sweeps", "5"])
    assert told.exit_code == 0
    assert json.loads(told.output)["n_sweeps"] == 5
