"""What people asked for is kept with its answer, and costs nothing where it cannot be."""

import sqlite3
from pathlib import Path

import pytest

from edgespec.alerts.actions import Actions
from edgespec.errors import UsageError
from edgespec.history.actions import note_action
from edgespec.history.opening import history_path
from edgespec.history.past import Past
from edgespec.wire.request import Request
from tests.made.event import MONDAY_NS, event_of
from tests.made.history import keep, keep_events, store_of


def test_what_is_done_is_kept_with_its_answer_and_what_is_refused_is_not(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    keep(tmp_path, [event_of()])
    people = Actions(tmp_path, ["lte"], lambda: MONDAY_NS)
    muted = people.do(Request("mute", transaction="t", band="lte", duration_s=60.0))
    people.do(Request("ack", id="e1"))
    people.do(Request("silenced"))
    with pytest.raises(UsageError):
        people.do(Request("ack", id="e2"))
    people.do(Request("undo"))
    store.close()
    found = Past(tmp_path).actions()
    assert [one.command for one in found] == ["mute", "ack", "undo"]
    assert found[0].request == {
        "command": "mute", "transaction": "t", "band": "lte", "duration_s": 60.0,
    }  # fmt: skip
    assert [one.answer for one in found] == [muted, {"acknowledged": "e1"}, {"undone": muted["id"]}]
    assert {one.at_ns for one in found} == {MONDAY_NS}
    assert Past(tmp_path).actions(since_ns=MONDAY_NS + 1) == []


def test_without_a_history_none_is_made(tmp_path: Path) -> None:
    Actions(tmp_path, ["lte"]).do(Request("mute", band="lte"))
    assert not history_path(tmp_path).exists()
    assert Past(tmp_path).actions() == []


def test_where_it_cannot_be_written_it_is_done_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history_path(tmp_path).write_bytes(b"what was a database" * 1000)
    people = Actions(tmp_path, ["lte"])
    assert people.do(Request("mute", band="lte"))["band"] == "lte"
    assert "is not in the history" in caplog.text
    assert len(people.do(Request("silenced"))["mutes"]) == 1


@pytest.mark.parametrize("text", ["", "[", "5", "null"])
def test_a_row_that_is_no_action_is_left_out(tmp_path: Path, text: str) -> None:
    keep_events(tmp_path, 1)
    for number in range(2):
        note_action(history_path(tmp_path), number, "mute", {"id": "x"}, {})
    base = sqlite3.connect(history_path(tmp_path))
    base.execute("UPDATE actions SET answer = ? WHERE at_ns = 0", (text,))
    base.commit()
    base.close()
    assert [one.at_ns for one in Past(tmp_path).actions()] == [1]
