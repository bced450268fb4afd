"""Hours of traffic: who is played, what is kept over an interruption, and what the tables count."""

import json
import lzma
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.detection.hours import DETECTOR_SETS, episodes_of, observe, plays
from benchmarks.detection.hours_tables import markdown
from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.detection.promised import usual_thresholds
from edgespec.errors import UsageError
from edgespec.framing import Recipe

_RATE_HZ = 1.92e6
_NAMES = ("residual", "residual, zscore, energy")


def event(**changes: Any) -> dict[str, Any]:
    return {
        "opened_s": 7.0, "duration_s": 0.5, "detector": "residual", "kind": "narrow",
        "score": 13.0, "threshold": 12.0, "lower_hz": -1e5, "upper_hz": 1e5, "excess_db": 1.0,
        "change": "gain", "scores": {"residual": 13.0},
    } | changes  # fmt: skip


def row(context: str, events: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    heard = {
        "scored_s": 1800.0, "alarm_s": 0.5 * len(events), "most": {"residual": 9.0},
        "n_above": {"residual": len(events)}, "events": events,
    }  # fmt: skip
    return {
        "observer": f"{context}-000", "round": 1, "rate_hz": _RATE_HZ, "context": context,
        "neighbour": False, "cell": "tracking", "distrust": "",
        "sets": dict.fromkeys(_NAMES, heard), "episodes": [],
    } | changes  # fmt: skip


def test_false_events_are_counted_by_the_hour_and_by_how_observers_move() -> None:
    text = markdown([row("static", []), row("drive", [event(), event()])])
    assert "| residual | static | 30.0 | 0 | 0.0 (0.0 to 7.4) | 0.00% | 0 of 1 |" in text
    assert "| residual | drive | 30.0 | 2 | 4.0 (0.5 to 14.4) | 0.06% | 1 of 1 |" in text
    assert "| residual | all | 60.0 | 2 | 2.0 (0.2 to 7.2) | 0.03% | 1 of 2 |" in text
    assert text.count("1 drive-000 | 7.00") == 2


def test_a_receiver_that_clips_is_in_trouble_and_no_false_event() -> None:
    text = markdown([row("drive", [event(detector="clipped", kind="overload")])])
    assert "| residual | all | 30.0 | 0 | 0.0 (0.0 to 7.4) |" in text


def test_a_cause_that_is_no_detector_is_counted_too() -> None:
    text = markdown([row("static", [event(detector="clipped", kind="overload")])])
    assert "| clipped | 1 | 2.0 | overload 1 | 0 | - |" in text


def test_an_interferer_counts_for_the_sets_that_found_it() -> None:
    found = {"residual": [10.0, "residual"]}
    heard = [
        {"kind": "tone", "isr_db": -10.0, "offset_hz": 0.0, "found": found},
        {"kind": "chirp", "isr_db": -10.0, "offset_hz": 0.0, "found": {}},
    ]
    text = markdown([row("walk", [], episodes=heard)])
    assert "| -10 dB | 2 | 1, 10 | 0 |" in text
    assert "| tone | 1 | 1, 10 | 0 |" in text


def test_rates_have_tables_of_their_own_and_untrusted_cells_are_said() -> None:
    text = markdown([row("walk", []), row("walk", [], rate_hz=5e6, distrust="weak")])
    assert text.index("## 1.92 MS/s") < text.index("## 5 MS/s")
    assert "the cell: not trusted 1." in text


def test_every_round_has_other_observers_and_the_same_ones_again() -> None:
    first, again, other = (list(plays([n], 2, 6.0, _RATE_HZ, 0)) for n in (0, 0, 1))
    assert first == again
    assert {play.key for play in first}.isdisjoint(play.key for play in other)
    assert {play.spec.seed for play in first}.isdisjoint(play.spec.seed for play in other)


def test_any_beginning_of_a_round_has_observers_of_an_uplink_among_the_others() -> None:
    plain, mixed = (list(plays([0], 12, 6.0, _RATE_HZ, 0, n_uplink=n)) for n in (0, 3))
    assert [play for play in mixed if play.spec.scene.uplink is None] == plain
    users = [place for place, play in enumerate(mixed) if play.spec.scene.uplink is not None]
    assert users == [6, 13, 14]
    assert len({play.key for play in mixed}) == 15


def test_an_uplink_has_tables_of_its_own_and_traffic_is_a_group_where_it_is_known() -> None:
    users = row("static", [event()], direction="ul", traffic="bursty")
    text = markdown([row("static", [], traffic="steady"), row("walk", [], neighbour=True), users])
    cells, uplinks = text.split("## 1.92 MS/s, uplinks")
    for part, group, n_events, n in (
        (cells, "static", 0, 1), (cells, "beside a neighbour", 0, 1), (cells, "steady", 0, 1),
        (cells, "all", 0, 2), (uplinks, "uplink", 1, 1), (uplinks, "all", 1, 1),
    ):  # fmt: skip
        (line,) = [x for x in part.splitlines() if x.startswith(f"| residual | {group} |")]
        assert f"| {n_events} |" in line
        assert line.endswith(f"of {n} |")
    assert "| bursty |" not in text


@pytest.mark.parametrize("rate_hz", [1.92e6, 5e6])
def test_interferers_come_behind_the_normal_signal(rate_hz: float) -> None:
    (play,) = plays([0], 1, 6.0, rate_hz, 8)
    heard = episodes_of(play, Recipe.for_rate(rate_hz))
    assert len(heard) == 8
    assert all(one.on >= 6.0 * rate_hz for one in heard)
    assert all(one.off < two.on for one, two in pairwise(heard))


def test_a_line_that_was_cut_off_is_played_again(tmp_path: Path) -> None:
    kept = tmp_path / "hours.jsonl"
    assert read_rows(kept) == []
    whole = row("static", [])
    kept.write_text(json.dumps(whole) + "\n" + json.dumps(whole)[:40])
    assert read_rows(kept) == [whole]


def test_packed_lines_are_read_and_not_added_to(tmp_path: Path) -> None:
    kept = tmp_path / "hours.jsonl.xz"
    with lzma.open(kept, "wt") as file:
        file.write(json.dumps(row("static", [])))
    assert read_rows(kept) == [row("static", [])]
    with pytest.raises(UsageError, match="unxz"):
        keep_row(kept, row("walk", []))


def test_what_interferers_came_to_is_kept_from_their_first_hop_on() -> None:
    (play,) = plays([0], 1, 6.0, _RATE_HZ, 6, ("zscore, energy",), 3.0)
    heard = observe(play)
    assert len(heard["sets"]["zscore, energy"]["peaks"]["zscore"]) == 6
    usual, n_told = usual_thresholds(), 0
    for one in heard["episodes"]:
        for rises in one["rises"].values():
            at, values = zip(*rises, strict=True)
            assert all(a < b for seen in (at, values) for a, b in pairwise(seen))
            assert at[0] > 0.0
        delay_ms, detector = one["found"].get("zscore, energy", (None, ""))
        if detector in usual:
            # An event opens with the hop whose score comes to the threshold, as it is rounded.
            above = [at for at, value in one["rises"][detector] if value > usual[detector] - 0.01]
            assert min(above) == pytest.approx(delay_ms)
            n_told += 1
    assert n_told


def test_each_set_of_detectors_is_within_the_fullest() -> None:
    fullest = set(list(DETECTOR_SETS.values())[-1])
    assert all(set(names) <= fullest for names in DETECTOR_SETS.values())


def test_what_an_observer_learns_from_is_not_scored() -> None:
    (play,) = plays([0], 1, 6.0, _RATE_HZ, 0, ("zscore, energy",), 3.0)
    heard = observe(play)["sets"]["zscore, energy"]
    assert heard["scored_s"] == pytest.approx(3.0, abs=0.2)


def test_each_set_is_told_of_what_it_heard() -> None:
    """Not every set needs to have heard every observer."""
    (play,) = plays([0], 1, 6.0, _RATE_HZ, 0, ("residual, zscore, energy",))
    alone = observe(play)
    assert list(alone["sets"]) == ["residual, zscore, energy"]
    (play,) = plays([0], 1, 6.0, _RATE_HZ, 0)
    table = markdown([observe(play), alone])
    lines = table.splitlines()
    (fewer,) = [line for line in lines if line.startswith("| zscore, energy | all")]
    (every,) = [line for line in lines if line.startswith("| residual, zscore, energy | all")]
    minutes = [float(line.split("|")[3]) for line in (fewer, every)]
    assert minutes[1] == pytest.approx(2.0 * minutes[0], abs=0.11)
    assert " of 1 |" in fewer
    assert " of 2 |" in every
