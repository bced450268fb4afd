"""What alarms once all that was told is called normal: what is not like it, and no more."""

from dataclasses import replace

from benchmarks.detection.taught_listener import Taught
from benchmarks.detection.taught_tables import taught_markdown
from edgespec.alerts.incidents import IncidentTable
from edgespec.kinds import OVERLOAD
from edgespec.records import EventType
from tests.made.event import event_of


def told(taught: Taught, number: int, **changes: object) -> bool:
    """Tell an event from its beginning to its end, and whether it alarms."""
    name = f"event-{number}"
    for at, which in enumerate((EventType.NEW, EventType.END)):
        event = event_of(event_id=name, event_type=which, at_s=60.0 * number)
        event = replace(event, **changes)
        taught.take(event, 10 * number + at)
    return taught.alerted.get(name) == 10 * number


def test_what_was_called_normal_alarms_no_more_and_a_stronger_one_does() -> None:
    usual = event_of()
    taught = Taught(IncidentTable({usual.band: 30e3}))
    assert told(taught, 1)
    assert told(taught, 2)
    taught.teach()
    assert not told(taught, 3)
    assert told(taught, 4, peak_dbfs=usual.peak_dbfs + 6.0)
    assert told(taught, 5, freq_upper_hz=usual.freq_upper_hz + 300e3)


def test_an_overload_cannot_be_called_normal() -> None:
    taught = Taught(IncidentTable({event_of().band: 30e3}))
    assert told(taught, 1, kind=OVERLOAD)
    taught.teach()
    assert told(taught, 2, kind=OVERLOAD)


def test_what_alarms_behind_the_teaching_is_counted_by_the_day() -> None:
    heard = {
        "block_s": 0.5, "peaks": {"zscore": [0.0] * 3600}, "alerts_s": [1000.0],
        "events": [{"opened_s": at} for at in (10.0, 1000.0, 1100.0)],
    }  # fmt: skip
    episodes = [
        {"isr_db": 0.0, "found": {"zscore": [1.0, "zscore"]}, "alerted": {"zscore": 1.0}},
        {"isr_db": 0.0, "found": {"zscore": [1.0, "zscore"]}, "alerted": {}},
    ]
    row = {"context": "walk", "direction": "ul", "neighbour": False, "taught_s": 900.0,
           "sets": {"zscore": heard}, "episodes": episodes}  # fmt: skip
    text = taught_markdown([row, row | {"taught_s": 0.0}])
    assert "after 15 minutes" in text
    assert "| uplink | zscore | 0.25 | 2 | 1 | 96 (2.4 to 535) |" in text
    assert "| uplink | zscore | event | 100 [16, 100] of 2 |" in text
    assert "| uplink | zscore | alert | 50 [1, 99] of 2 |" in text
    assert taught_markdown([row | {"taught_s": 0.0}]) == ""
