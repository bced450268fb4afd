"""A table of walks says what was raised and found as it was, and a run goes on where it was."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.detection import handovers
from benchmarks.detection.handovers import WALKS, main, markdown

SET = "residual, zscore, energy"


def row(number: int, name: str) -> dict[str, Any]:
    event = {"detector": "energy", "kind": "wideband"}
    found = {SET: [12.0, "residual"]}
    return {
        "observer": name,
        "round": 7_110_000 + number,
        "sets": {SET: {"scored_s": 116.0, "alarm_s": 1.25, "events": [event], "peaks": {"a": []}}},
        "episodes": [
            {"isr_db": isr_db, "found": found if isr_db > -10.0 else {}}
            for isr_db in (-20.0, -10.0, -5.0, 0.0, 20.0)
        ],
    }


def test_each_walk_is_a_line_with_what_was_found_by_isr() -> None:
    line = markdown([row(21, "walk-013")]).splitlines()[-1]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == ["walk-013 of round 21", "116", "1: energy wideband", "1.2", "0 of 1",
                     "1 of 2", "2 of 2"]  # fmt: skip


def test_walks_that_are_through_are_not_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "walks.jsonl"
    first, second, third = WALKS
    kept.write_text(json.dumps(row(*first)) + "\n")
    played = []

    def observe(play: Any) -> dict[str, Any]:
        played.append(play.spec.name)
        return row(play.round_seed - 7_110_000, play.spec.name)

    monkeypatch.setattr(handovers, "observe", observe)
    done = CliRunner().invoke(main, ["--kept", str(kept), "--no-save"])
    assert done.exit_code == 0, done.output
    assert played == [second[1], third[1]]
    assert len([line for line in kept.read_text().splitlines() if line]) == len(WALKS)
