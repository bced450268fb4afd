"""The table of bands without a cell counts each set's events, and tells the false ones."""

from typing import Any

from benchmarks.detection.other_band_events import SETS, markdown


def row(service: str, false: dict[str, int], found: dict[str, float]) -> dict[str, Any]:
    """Return an observer whose sets raised so many false events, and found from an ISR on."""
    return {
        "observer": "static-000",
        "service": service,
        "round": 7_330_001,
        "known_s": 60.0,
        "sets": {
            name: {
                "scored_s": 120.0,
                "alarm_s": 6.0 * false[name],
                "events": [[71.0, 0.5, name, "tone", 1.25]] * false[name],
            }
            for name in SETS
        },
        "episodes": [
            {
                "kind": "tone",
                "isr_db": isr_db,
                "found": {name: name for name in SETS if isr_db >= found[name]},
            }
            for isr_db in (-20.0, -10.0, 0.0, 10.0)
        ],
    }


def test_each_set_has_its_line_and_every_false_event_is_told() -> None:
    plain, fuller = SETS
    rows = [
        row("fm", {plain: 2, fuller: 0}, {plain: 0.0, fuller: -10.0}),
        row("fm", {plain: 0, fuller: 0}, {plain: 10.0, fuller: -20.0}),
    ]
    text = markdown(rows)
    assert f"| fm | {plain} | 2 | 4.0 |  | 2 | 5.00% | 0 of 2 | 0 of 2 | 1 of 2 | 2 of 2 |" in text
    assert f"| fm | {fuller} | 2 | 4.0 | 2.0 | 0 | 0.00% | 1 of 2 | 2 of 2 | 2 of 2 | 2" in text
    assert text.count("| 71.0 | 0.5 |") == 2
    assert "Every false event" not in markdown(rows[1:])
