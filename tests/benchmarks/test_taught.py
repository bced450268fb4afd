"""How what was taught is counted; the streams: ``python -m benchmarks.detection.taught``."""

from dataclasses import replace

from benchmarks.detection.taught import TAUGHT, rows_of
from edgespec.records import Event, EventType
from tests.made.event import event_of


def events(n_events: int, first_dbfs: float, step_db: float = 0.0) -> list[list[Event]]:
    return [
        [
            event_of(
                event_id=f"e{number}", event_type=event_type, at_s=4.0 * number,
                peak_dbfs=first_dbfs + step_db * number,
            )
            for event_type in (EventType.NEW, EventType.END)
        ]
        for number in range(n_events)
    ]  # fmt: skip


def test_what_is_alike_is_silent_and_what_is_stronger_is_not() -> None:
    rows = list(rows_of("tone", 1, events(6, -40.0), events(5, -34.0)))
    assert [row.n_taught for row in rows] == list(TAUGHT)
    for row in rows:
        assert (row.n_events, row.n_incidents, row.n_stronger) == (6, 1, 5)
        assert (row.silent, row.silent_stronger) == (1.0, 0.0)


def test_one_message_that_alarms_is_an_event_that_does() -> None:
    like = events(3, -40.0)
    like[1][1] = replace(like[1][1], peak_dbfs=-30.0)
    (one, two) = rows_of("tone", 1, like, events(1, -40.0))
    # Of six looks at another event after one was taught, two are at the loud one, and alarm.
    assert one.silent == 4 / 6
    assert one.silent_stronger == 1.0
    assert two.silent == 2 / 3


def test_more_that_was_taught_is_never_less_that_is_silent() -> None:
    rows = list(rows_of("tone", 1, events(8, -40.0, 1.0), events(1, 0.0)))
    shares = [row.silent for row in rows]
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < shares[-1]
