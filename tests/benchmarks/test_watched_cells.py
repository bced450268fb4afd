"""Events of a watched cell as a benchmark: what is right, what is seen at all, what is false."""

from typing import Any

from benchmarks.detection.watched_cells import markdown, observers


def test_observers_of_every_context_differ_and_are_the_same_again() -> None:
    rows = list(observers(2))
    assert rows == list(observers(2))
    assert [context for context, _, _ in rows] == ["still"] * 2 + ["walk"] * 2 + ["drive"] * 2
    assert len({uri for _, _, uri in rows}) == 6
    # Every second one has a neighbour.
    assert sum("neighbour_db" in uri for _, _, uri in rows) == 3


def test_tables_count_what_was_called_right_and_what_was_false() -> None:
    def row(case: str, found: str = "", *false: str) -> dict[str, Any]:
        return {"context": "walk", "case": case, "seconds": 4.0, "found": found, "false": false}

    text = markdown(
        [
            row("nothing"),
            row("-3 dB", "power-step"),
            row("-3 dB", "carriers-down"),
            row("-3 dB"),
            row("station lost", "cell-lost", "power-step +3.0 dB at 3.00 s"),
            row("tone +10 dB", "", "power-step +1.0 dB at 3.00 s", "new-cell +1.0 dB at 3.10 s"),
            {"context": "recording", "case": "one", "found": "", "false": ["cell-lost"]},
        ]
    )
    walk = next(line for line in text.splitlines() if line.startswith("| walk"))
    assert walk.startswith("| walk | 1, 2 of 3 | 0, 0 of 0 |")
    assert walk.endswith("| 1, 1 of 1 |")
    assert "| walk | nothing | 4 | 0 |" in text
    assert "| walk | faults | 16 | 1 power-step |" in text
    assert "| walk | interferers | 4 | 1 new-cell, 1 power-step |" in text
    assert "| 1 recordings | nothing | 0 | 1 cell-lost |" in text
