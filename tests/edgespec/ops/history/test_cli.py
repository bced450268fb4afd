"""``edgespec history`` as people type it."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from tests.made.event import event_of
from tests.made.history import keep, keep_minutes, minute_of


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edgespec.toml"
    path.write_text("[node]\nstate_dir = 'state'\n[[band]]\nid = 'lte'\n")
    return path


def run(config: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(main, ["history", *arguments, "-c", str(config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_nothing_kept_is_a_heading(config: Path) -> None:
    done = run(config)
    assert done.exit_code == 0
    assert done.output.endswith("0 minutes, 0 events; levels in dBFS\n")
    assert run(config, "--json").output == ""
    assert not (config.parent / "state").exists()


def test_nothing_kept_is_no_picture(config: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    done = run(config, "-o", str(config.parent / "now.png"))
    assert done.exit_code == 1
    assert "no minute of the band 'lte'" in done.output
    assert "does an observer of a radio run" in done.output
    assert not (config.parent / "state").exists()


def test_a_usual_day_is_drawn_and_not_told(config: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    keep_minutes(config.parent / "state", (minute_of(number, rng) for number in range(120)))
    done = run(config, "--day")
    assert done.exit_code == 2
    assert "--day is drawn: give -o FILE.png" in done.output
    picture = config.parent / "day.png"
    day = ("--since", "2026-01-19", "--until", "2026-01-20")
    assert run(config, *day, "--day", "-o", str(picture)).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_day_for_people_and_programs(config: Path, rng: np.random.Generator) -> None:
    keep_minutes(config.parent / "state", (minute_of(number, rng) for number in range(120)))
    keep(config.parent / "state", [event_of(at_s=60.0)])
    day = ("--since", "2026-01-19", "--until", "2026-01-20")
    heading, names, *rows, _ = run(config, *day).output.splitlines()
    assert "120 minutes, 1 event;" in heading
    assert [len(rows), rows[0].split()[-1]] == [24, "1"]
    assert names.startswith("from (UTC)")
    objects = [json.loads(line) for line in run(config, *day, "--json").output.splitlines()]
    assert len(objects) == 120
    assert objects[0]["schema"] == "edgespec.minute/1"
    assert "max" not in objects[0]
    (line,) = run(config, *day, "--until", "2026-01-19T08:01Z", "--json", "--traces").output.split()
    assert len(json.loads(line)["max"]) == 64
    names, *rows = run(config, *day, "--csv").output.splitlines()
    assert [len(rows), names.split(",")[0]] == [120, "schema"]


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["--band", "lt"], "did you mean 'lte'?", 2),
        (["--since", "1h", "--until", "2h"], "--since must be before", 2),
        (["--since", "soon"], "write how long ago", 2),
        (["--csv", "--json"], "exclude each other", 2),
        (["--show", "colour"], "'max', 'mean', 'median', 'occupancy'", 2),
    ],
)
def test_what_cannot_be_done_is_said(
    config: Path, arguments: list[str], words: str, code: int
) -> None:
    done = run(config, *arguments)
    assert done.exit_code == code
    assert words in done.output


def test_a_picture(config: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    keep_minutes(config.parent / "state", (minute_of(number, rng) for number in range(5)))
    path = config.parent / "day.png"
    done = run(config, "--since", "2026-01-19", "--until", "2026-01-20", "-o", str(path))
    assert done.exit_code == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    done = run(config, "--since", "2026-01-19", "-o", str(config.parent / "day.xyz"))
    assert done.exit_code == 3
