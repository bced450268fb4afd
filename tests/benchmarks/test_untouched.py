"""Recordings without a known interferer: one line an event, and one where there was none."""

from benchmarks.detection.untouched import Said, markdown


def test_a_recording_without_an_event_has_a_line_too() -> None:
    text = markdown([Said("quiet", 1.92e6, 1.0, "tracking", "", "watching")])
    assert "0 events in 1 recordings." in text
    assert "| quiet | 1.92 | 1.00 | tracking | watching | none |" in text


def test_every_event_has_its_line() -> None:
    event = ("zscore", "tone", 0.5, 0.25, -8e3, 8e3, 12.0, 1.5)
    rows = [
        Said("loud", 2e6, 1.0, "", "moved", "", *event),
        Said("loud", 2e6, 1.0, "", "", "", *event),
    ]
    text = markdown(rows)
    assert "2 events in 1 recordings." in text
    line = "| loud | 2 | 1.00 | , not trusted |  | zscore | tone | 0.500 for 0.250 | -8 to +8 |"
    assert line in text
