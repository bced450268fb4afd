"""What alarms once all that was told is called normal: what is not like it, and no more."""

from dataclasses import replace

from benchmarks.detection.taught_listener import Taught
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
