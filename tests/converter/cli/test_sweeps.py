"""``simulate-sweeps`` and ``analyse``: from nothing to a picture, and how they end otherwise."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from converter.cli import main
from tests.converter.data.sweeps.test_open_sweeps import bras_deau, row, written

pytest.importorskip("matplotlib")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_from_nothing_to_a_picture(tmp_path: Path) -> None:
    bands, out = tmp_path / "bands", tmp_path / "pictures"
    made = run(
        *("simulate-sweeps", "-o", bands, "--bands", "tv, gsm900-ul", "--places", 4),
        *("--days", 0.01, "--fractions", "0.25,0.25,0.25,0.25", "--json"),
    )
    assert made.exit_code == 0, made.output
    result = json.loads(made.stdout)
    assert set(result["sweeps"]) == {"train", "validation", "calibration", "test"}
    assert min(result["sweeps"].values()) > 900
    assert "tv-000: " in made.stderr
    drawn = run("analyse", bands / "tv-000.npz", "-o", out, "--json")
    assert drawn.exit_code == 0, drawn.output
    numbers = json.loads(drawn.stdout)
    assert numbers["name"] == "tv-000"
    assert numbers["coverage"]["n_points"] == 80
    assert Path(numbers["picture"]).read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "tv-000.json").read_text()) == numbers
    said = run("analyse", bands / "tv-000.npz", "-o", out).stdout
    assert "tv-000: The level" in said


def test_each_setting_of_an_antenna_is_drawn(tmp_path: Path, rng: np.random.Generator) -> None:
    change = {}
    for band in ("band0", "band1"):
        change |= {
            f"{band}_time_s": 900.0 * np.arange(50),
            f"{band}_polarisation": np.array([*"H" * 20, *"V" * 30]),
            f"{band}_azimuth_deg": np.repeat([0, 240], [40, 10]),
            f"{band}_power_dbm": rng.normal(-90, 1, (50, 5)).astype(np.float32),
            f"{band}_sweep_s": np.full(50, 36.5, np.float32),
        }
    path = tmp_path / "bras.npz"
    np.savez(path, **bras_deau(**change))
    done = run("analyse", path, "-o", tmp_path / "out", "--table", "band1-*")
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names == ["band1-h0-0.png", "band1-v0-1.png"]
    # The last block has ten sweeps.
    assert "left out: band1-v240-2 has 10 sweeps" in done.stderr
    wrong = run("analyse", path, "-o", tmp_path / "out", "--table", "band7")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "band0-h0-0" in wrong.stderr
    few = run("analyse", path, "-o", tmp_path / "out", "--table", "*240*")
    assert few.exit_code == 4
    assert "none of the 2 tables" in few.stderr


def test_what_rtl_power_writes_is_drawn(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [row(second, 1e8, *rng.normal(-30, 1, 6)) for second in range(40)]
    done = run("analyse", written(tmp_path, *rows), "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "band.png").exists()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(1, 0.0, 1, 2)], "has 1 sweeps"),
        ([row(s, 0.0, 1, 2) for s in (3, 1, 2)], "times must rise"),
        ([row(s, 0.0, 1, 2) for s in range(40)], "never change"),
        ([row(s, 0.0, float("nan"), float("nan")) for s in range(40)], "40 more have no level"),
        (["spam"], "line 1"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(tmp_path: Path, rows: list[str], words: str) -> None:
    done = run("analyse", written(tmp_path, *rows), "-o", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (4, "")
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_is_said(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [row(second, 1e8, *rng.normal(-30, 1, 6)) for second in range(20)]
    path = written(tmp_path, *rows)
    done = run("analyse", path, "-o", path / "out")
    assert done.exit_code == 3
    assert "cannot be made" in done.stderr


def test_bands_that_there_are_not_are_said(tmp_path: Path) -> None:
    done = run("simulate-sweeps", "-o", tmp_path, "--bands", "fm,gsm850", "--places", 4)
    assert done.exit_code == 2
    assert "known are gsm900-ul" in done.stderr


@pytest.mark.parametrize("is_simulated", [True, False])
def test_an_anomaly_is_added_to_a_file(tmp_path: Path, is_simulated: bool) -> None:
    rng = np.random.default_rng(3)
    levels = rng.normal(-90, 1, (200, 6)).astype(np.float32)
    arrays = {
        "utc_s": 1e9 + 2.0 * np.arange(200),
        "freqs_hz": 1e6 * np.arange(1, 7),
        "levels_db": levels,
    }
    signal = {"signal_mw": np.full(200, 1e-8, np.float32)} if is_simulated else {}
    np.savez(tmp_path / "a.npz", **arrays, **signal)
    out = tmp_path / "b.npz"
    done = run(
        *("inject-sweeps", tmp_path / "a.npz", "-o", out, "--kind", "wpulse", "--isr", 20),
        *("--first", 100, "--sweeps", 40, "--json"),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["begin"] == "2001-09-09T01:50:00+00:00"
    with np.load(out) as made:
        added = 10.0 ** (made["levels_db"] / 10.0) - 10.0 ** (levels / 10.0)
    assert not added[:100].any()
    assert not added[140:].any()
    total = added[100:140].sum(axis=1)
    there = total > 1e-12
    wanted = 1e-8 if is_simulated else (10.0 ** (levels[100:140] / 10.0)).sum(axis=1).mean()
    assert total[there].mean() == pytest.approx(100.0 * wanted, rel=1e-3)
    late = run("inject-sweeps", tmp_path / "a.npz", "-o", out, "--first", 170)
    assert late.exit_code == 2
    assert "the table has 200" in late.stderr
