"""Laws of the history: nothing whole is lost, nothing broken is read, its space is bounded."""

from pathlib import Path

import pytest

from edgespec.alerts.history import History
from edgespec.alerts.past import past_events
from edgespec.records import EventType
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.text import encode
from tests.made.event import event_of


def message(number: int, event_type: EventType = EventType.NEW) -> EventMessage:
    event = event_of(event_id=f"e{number}", event_type=event_type, at_s=float(number), band="ä")
    return EventMessage(event, "pi-1", 0)


def numbers(history: History) -> list[int]:
    return [int(one.event.event_id[1:]) for one in history.messages()]


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    history = History(tmp_path / "a" / "b", 1_000_000)
    assert list(history.messages()) == []
    assert not (tmp_path / "a").exists()
    said = [message(number) for number in range(5)]
    for one in said:
        history.append(one)
    assert list(History(tmp_path / "a" / "b", 0).messages()) == said


def test_its_space_is_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    history = History(tmp_path, 20_000)
    for number in range(200):
        history.append(message(number))
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000
    kept = numbers(history)
    assert kept == list(range(kept[0], 200))
    # Three of four files are always full.
    n_bytes = len(encode(event_payload(message(100)))) + 1
    assert len(kept) >= 3 * (5000 // n_bytes)


def test_a_message_that_fits_nowhere_is_left_out(tmp_path: Path) -> None:
    history = History(tmp_path, 4 * 100)
    history.append(message(1))
    assert numbers(history) == []


def test_a_power_cut_at_any_byte_costs_the_last_line_alone(tmp_path: Path) -> None:
    """And nothing that comes behind it."""
    history = History(tmp_path, 1_000_000)
    history.append(message(0))
    n_first = (tmp_path / "events.jsonl").stat().st_size
    history.append(message(1))
    whole = (tmp_path / "events.jsonl").read_bytes()
    for stop in range(n_first, len(whole) + 1):
        for rest in (b"", b"\0" * (len(whole) - stop)):
            (tmp_path / "events.jsonl").write_bytes(whole[:stop] + rest)
            history.append(message(2))
            assert numbers(history) in ([0, 2], [0, 1, 2]), stop
    assert numbers(history) == [0, 1, 2]


def test_rotation_that_was_cut_off_leaves_what_there_is(tmp_path: Path) -> None:
    """Renaming is four steps; between any two of them the files have a gap."""
    history = History(tmp_path, 20_000)
    for number in range(60):
        history.append(message(number))
    before = numbers(history)
    (tmp_path / "events.1.jsonl").replace(tmp_path / "events.2.jsonl")
    left = numbers(history)
    assert left == sorted(left)
    assert set(left) < set(before)
    for number in range(60, 120):
        history.append(message(number))
    assert numbers(history)[-60:] == list(range(60, 120))[-len(numbers(history)) :]


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"x"])
def test_lines_that_are_no_events_are_stepped_over(tmp_path: Path, line: bytes) -> None:
    history = History(tmp_path, 1_000_000)
    history.append(message(0))
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(line)
    history.append(message(1))
    assert numbers(history) == [0, 1]


def test_a_past_event_is_as_it_was_last_told(tmp_path: Path) -> None:
    history = History(tmp_path / "events", 1_000_000)
    for number, event_type in ((1, EventType.NEW), (2, EventType.NEW), (1, EventType.END)):
        history.append(message(number, event_type))
    found = [(one.event.event_id, one.event.event_type) for one in past_events(tmp_path)]
    assert found == [("e1", EventType.END), ("e2", EventType.NEW)]


#: Written by the first version that kept a history.
_FIRST_LINE = (
    b'{"schema":"edgespec.event/2","event_type":"end","id":"e1","sequence":0,"replayed":false,'
    b'"node":"pi","band":"lte","start":"2027-01-15T08:00:00.000000Z",'
    b'"end":"2027-01-15T08:00:01.000000Z","core:sample_start":5,"core:sample_count":10,'
    b'"core:freq_lower_edge":800000000.0,"core:freq_upper_edge":810000000.0,'
    b'"peak_freq_hz":805000000.0,"peak_dbfs":-40.0,"change":"gain","excess_db":12.0,'
    b'"severity_db":9.0,"level_unit":"dBFS","kind":"tone","detector":"zscore","score":3.0,'
    b'"threshold":2.0,"sureness":0.8,"clock":"unsynchronised","model_sha256":"ab","share":null,'
    b'"cell_identity":null,"latency_ms":1.5}\n'
)


def test_a_history_outlives_an_update(tmp_path: Path) -> None:
    """A field that is added to the schema has a default when an older line is read."""
    (tmp_path / "events.jsonl").write_bytes(_FIRST_LINE)
    history = History(tmp_path, 1_000_000)
    assert numbers(history) == [1]
    assert history.last_of("e1") is not None


def test_the_last_message_of_an_event_is_found_by_its_id(tmp_path: Path) -> None:
    history = History(tmp_path, 20_000)
    for number in range(60):
        history.append(message(number))
    for number in range(50, 55):
        history.append(message(number, EventType.END))
    kept = [one.event.event_id for one in history.messages()]
    for name in dict.fromkeys(kept):
        found = history.last_of(name)
        assert found is not None
        assert found.event.event_id == name
        is_over = kept.count(name) == 2
        assert (found.event.event_type is EventType.END) == is_over
    for name in ("e0", "e", "", 'e50","x":"', "\ud800"):
        assert history.last_of(name) is None
