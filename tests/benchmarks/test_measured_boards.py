"""The table of boards is what the sent files hold, and a file that is none is said to be none."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.speed.measured_boards import main

WHOLE = {"name": "whole path", "times_real_time": 12.34}
LOAD = {"max_c": {"cpu": 71.4, "gpu": 60.0}, "clock_hz": [1.5e9, 2.4e9], "troubles": ["throttled"],
        "power_of": "the whole board (VDD_IN)", "idle_w": 4.0, "load_w": 7.25, "mj_per_hop": 21.0,
        "extra_mj_per_hop": 9.5}  # fmt: skip


def sent(**changes: Any) -> dict[str, Any]:
    band = {"signal": "sim:", "sample_rate_hz": 1_920_000, "model": {"name": "none"},
            "timings": [{"name": "model"}, WHOLE], "latencies": [{"p50_s": 0.002, "p99_s": 0.0045}],
            "cold_start_s": 3.25, "peak_rss_mb": 190.0, "board": [], "load": LOAD}  # fmt: skip
    machine = {"cpu": "Raspberry Pi 5", "python": "3.13.5", "edgespec": "0.1.0", "numba": "0.68.1"}
    return {
        "schema": "edgespec.board-report/1", "created_utc": "2026-11-29T10:00:00Z", "n_cores": 4,
        "machine": machine, "bands": [band | changes],
    }  # fmt: skip


def page_of(tmp_path: Path, *reports: object) -> tuple[int, str]:
    paths = []
    for number, report in enumerate(reports):
        path = tmp_path / f"{number}.json"
        path.write_text(report if isinstance(report, str) else json.dumps(report))
        paths.append(str(path))
    done = CliRunner().invoke(main, paths)
    return done.exit_code, done.output


def test_every_figure_stands_in_its_column(tmp_path: Path) -> None:
    code, page = page_of(tmp_path, sent(), sent(load=None, board=["undervoltage now"]))
    assert code == 0
    head, _, *rows = [line.strip("| ").split(" | ") for line in page.splitlines() if "|" in line]
    told = [dict(zip(head, row, strict=True)) for row in rows]
    (warm,) = (row for row in told if row["mJ a hop"] == "21.00")
    assert warm["board"] == "Raspberry Pi 5 (4 cores)"
    assert (warm["times real time"], warm["decision p50 ms"], warm["p99 ms"]) == (
        "12.3", "2.00", "4.50",
    )  # fmt: skip
    assert (warm["hottest C"], warm["clock GHz"], warm["held back"]) == (
        "71", "1.50 to 2.40", "throttled",
    )  # fmt: skip
    assert (warm["W idle"], warm["W at work"], warm["more than idle"]) == ("4.00", "7.25", "9.50")
    (other,) = (row for row in told if row is not warm)
    assert (other["W at work"], other["held back"]) == ("-", "undervoltage now")
    assert "Watts are of Raspberry Pi 5: the whole board (VDD_IN)." in page


@pytest.mark.parametrize(
    "wrong",
    ["", "{", "[]", '{"schema": "edgespec.bench/1"}', json.dumps(sent() | {"bands": [{}]}),
     json.dumps(sent(timings=[])), json.dumps(sent(load={"max_c": 5})), "x" * 1_000_001],
)  # fmt: skip
def test_a_file_that_is_none_is_named(tmp_path: Path, wrong: str) -> None:
    code, said = page_of(tmp_path, sent(), wrong)
    assert code == 1
    assert "1.json" in said
    assert "edgespec.board-report/1" in said


def test_a_strangers_words_stay_words(tmp_path: Path) -> None:
    report = sent()
    report["machine"]["cpu"] = "x | <script>alert(1)</script> [a](http://b)"
    code, page = page_of(tmp_path, report)
    assert code == 0
    assert not {*"<>[]"} & {*page}
