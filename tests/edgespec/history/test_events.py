"""An event is one row: how it was last told, in the order in which it began."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgespec.alert import Alert
from edgespec.clock import ClockQuality
from edgespec.history.events import EventFilter, event_row
from edgespec.history.opening import history_path, reading
from edgespec.history.past import Past
from edgespec.records import Event, EventType
from edgespec.wire.event import EventMessage
from tests.made.event import MONDAY_NS, NS, event_of
from tests.made.history import keep, keep_events, kept_ids, store_of


def test_the_first_and_the_last_message_are_one_row(tmp_path: Path) -> None:
    first = event_of(event_id="ä", clock=ClockQuality.UNSYNCHRONISED, score=3.0)
    last = event_of(
        event_id="ä", event_type=EventType.END, lasts_s=60.0, score=5.0,
        clock=ClockQuality.SYNCHRONISED, alert=Alert(False, "rule", "i-1"),
    )  # fmt: skip
    keep(tmp_path, [first, event_of(event_id="e2"), last])
    found = Past(tmp_path).events()
    assert [message.event for message in found] == [last, event_of(event_id="e2")]
    with reading(history_path(tmp_path)) as base:
        assert base is not None
        row = base.execute(
            "SELECT clock_at_start, clock, score, is_over, is_alert, incident, end_ns - start_ns "
            "FROM events WHERE id = 'ä'"
        ).fetchone()
    assert row == ("unsynchronised", "synchronised", 5.0, 1, 0, "i-1", 60 * NS)


def test_order_is_that_of_their_begin_whatever_utc_says(tmp_path: Path) -> None:
    """A clock that is set back by a day turns nothing round."""
    times_s = (0.0, 60.0, -86400.0, -86340.0, 3600.0)
    keep(tmp_path, (event_of(event_id=f"e{k}", at_s=at_s) for k, at_s in enumerate(times_s)))
    assert kept_ids(tmp_path) == ["e0", "e1", "e2", "e3", "e4"]


def _one_of_six(number: int) -> Event:
    is_third = number % 3 == 0
    return event_of(
        "pulse" if number % 3 == 2 else "tone",
        event_id=f"e{number}",
        at_s=60.0 * number,
        lasts_s=30.0,
        band="gsm" if number % 2 else "lte",
        alert=Alert(is_third, "" if is_third else "rule"),
    )


def _wanted(**which: object) -> EventFilter:
    return EventFilter(**which)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (_wanted(), [0, 1, 2, 3, 4, 5]),
        (_wanted(bands=["gsm"]), [1, 3, 5]),
        (_wanted(kinds=["pulse", "noise"]), [2, 5]),
        (_wanted(only_alerts=True), [0, 3]),
        (_wanted(last=2), [4, 5]),
        (_wanted(bands=["gsm"], last=1), [5]),
        (_wanted(since_ns=MONDAY_NS + 120 * NS), [2, 3, 4, 5]),
        # It goes on for 30 s, so it reaches into what is asked for.
        (_wanted(since_ns=MONDAY_NS + 90 * NS), [1, 2, 3, 4, 5]),
        (_wanted(until_ns=MONDAY_NS + 120 * NS), [0, 1]),
        (_wanted(since_ns=MONDAY_NS + 91 * NS, until_ns=MONDAY_NS + 181 * NS), [2, 3]),
        (_wanted(bands=["x' OR 1 --"]), []),
    ],
)
def test_what_is_wanted_is_found(tmp_path: Path, wanted: EventFilter, ids: list[int]) -> None:
    keep(tmp_path, map(_one_of_six, range(6)))
    found = Past(tmp_path).events(wanted)
    assert [message.event.event_id for message in found] == [f"e{k}" for k in ids]


def test_the_last_message_is_found_by_the_id_of_the_event_or_its_incident(tmp_path: Path) -> None:
    def event(number: int, event_type: EventType, incident: str) -> Event:
        return event_of(
            event_id=f"e{number}", event_type=event_type, alert=Alert(True, "", incident)
        )

    new, end = EventType.NEW, EventType.END
    keep(
        tmp_path,
        [event(1, new, "i-1"), event(2, new, "i-1"), event(3, new, ""), event(1, end, "i-1")],
    )
    past = Past(tmp_path)
    for name, number, event_type in (
        ("e2", 2, new),
        ("e1", 1, end),
        ("e3", 3, new),
        ("i-1", 1, end),
    ):
        found = past.last_of(name)
        assert found is not None
        assert (found.event.event_id, found.event.event_type) == (f"e{number}", event_type)
    for name in ("e4", "e", "i", "", "\ud800", "e1' --", "\n"):
        assert past.last_of(name) is None


def test_a_row_that_is_no_message_is_stepped_over(tmp_path: Path) -> None:
    keep_events(tmp_path, 3)
    store = store_of(tmp_path)
    statement = "UPDATE events SET message = ? WHERE id = 'e1'"
    for text in ("{}", "[" * 1000, b"\xff"):
        store.keep([(statement, (text,))], at_once=True)
        assert kept_ids(tmp_path) == ["e0", "e2"]
    store.close()


#: Written by the first version that kept a history.
_FIRST_MESSAGE = (
    '{"schema":"edgespec.event/2","event_type":"end","id":"e1","sequence":0,"replayed":false,'
    '"node":"pi","band":"lte","start":"2027-01-15T08:00:00.000000Z",'
    '"end":"2027-01-15T08:00:01.000000Z","core:sample_start":5,"core:sample_count":10,'
    '"core:freq_lower_edge":800000000.0,"core:freq_upper_edge":810000000.0,'
    '"peak_freq_hz":805000000.0,"peak_dbfs":-40.0,"change":"gain","excess_db":12.0,'
    '"severity_db":9.0,"level_unit":"dBFS","kind":"tone","detector":"zscore","score":3.0,'
    '"threshold":2.0,"sureness":0.8,"clock":"unsynchronised","model_sha256":"ab","share":null,'
    '"cell_identity":null,"latency_ms":1.5}'
)


def test_a_history_outlives_an_update(tmp_path: Path) -> None:
    """A field that is added to the schema of events has a default when an older row is read."""
    store = store_of(tmp_path)
    statement, values = event_row(EventMessage(event_of(), "pi", 0))
    store.keep([(statement, (*values[:-1], _FIRST_MESSAGE))], at_once=True)
    store.close()
    (found,) = Past(tmp_path).events()
    assert found.event.kind == "tone"
    assert found == replace(found, event=replace(found.event, alert=Alert()))
