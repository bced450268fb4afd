"""What is asked of an observer that runs: one thing at a time, answered at once and at its end."""

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from edgespec.alerts.actions import Actions
from edgespec.alerts.inbox import Inbox
from edgespec.errors import SourceError, UsageError
from edgespec.history.opening import history_path
from edgespec.observer.errands.errands import Errands, check_fields
from edgespec.wire.request import Request
from tests.made.broker import wait_for
from tests.made.event import event_of
from tests.made.history import keep


@dataclass
class Work:
    """A job that goes on until it may end, or is to stop."""

    error: Exception | None = None
    may_end: Flag = field(default_factory=Flag)
    band: str = "lte"
    was_stopped: bool = False

    @property
    def told(self) -> dict[str, Any]:
        return {"n": 1}

    def do(self, stopping: Flag, tell: Callable[[float], None]) -> dict[str, Any]:
        tell(0.25)
        while not self.may_end.wait(0.01) and not stopping.is_set():
            pass
        self.was_stopped = stopping.is_set()
        if self.error is not None:
            raise self.error
        return {"done": True}


class Asker:
    """An inbox in front of errands, and what is said later."""

    def __init__(self, folder: Path, work: Work) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.errands, self.n_begun = Errands(folder), 0
        self._inbox = Inbox(Actions(folder, ["lte"]), lambda: 0.0, self.errands)
        self._work = work

    def begin(self) -> "Asker":
        self.errands.begin(
            {"record": self._run},
            lambda command, answer: self.said.append((command, json.loads(answer))),
        )
        return self

    def _run(self, request: Request) -> Work:
        check_fields(request, "band")
        self.n_begun += 1
        return self._work

    def __call__(self, command: str, **fields: object) -> dict[str, Any]:
        answer = self._inbox.answer(command, json.dumps(fields).encode())
        assert answer is not None
        return json.loads(answer)

    def wait(self, n: int = 1) -> dict[str, Any]:
        wait_for(lambda: len(self.said) == n, "the last response")
        return self.said[-1][1]


def test_it_is_answered_at_once_and_at_its_end(tmp_path: Path) -> None:
    keep(tmp_path, [event_of()])
    work = Work()
    ask = Asker(tmp_path, work).begin()
    first = ask("record", transaction="t", band="lte")
    assert (first["status"], first["transaction"]) == ("accepted", "t")
    name = first["data"]["errand"]
    assert first["data"] == {"errand": name, "n": 1}
    wait_for(lambda: ask.errands.now("lte").share == 0.25, "it goes on")
    assert ask.errands.now("gsm") is None
    # The broker says it twice, or somebody else asks, too.
    assert ask("record", transaction="t", band="lte") == first
    other = ask("record", transaction="u", band="lte")
    assert other["status"] == "error"
    assert f"{name} of band lte goes on, 25%" in other["error"]
    work.may_end.set()
    last = ask.wait()
    assert (last["status"], last["transaction"]) == ("ok", "t")
    assert last["data"] == {"errand": name, "done": True}
    # Whoever was away hears it again, and nothing is done again.
    assert ask("record", transaction="t", band="lte") == last
    assert ask.n_begun == 1
    assert ask.errands.now("lte") is None
    with closing(sqlite3.connect(history_path(tmp_path))) as base:
        ((command, answer),) = base.execute("SELECT command, answer FROM actions").fetchall()
    assert (command, json.loads(answer)) == ("record", last["data"])


def test_cancelling(tmp_path: Path) -> None:
    work = Work()
    ask = Asker(tmp_path, work).begin()
    assert "nothing goes on" in ask("cancel")["error"]
    name = ask("record")["data"]["errand"]
    assert "does not go on" in ask("cancel", id="record-0")["error"]
    assert "has no band" in ask("cancel", band="lte")["error"]
    assert ask("cancel", id=name)["data"] == {"cancelled": name}
    ask.wait()
    assert work.was_stopped


def test_who_asks_twice_cancels_once_and_a_name_that_is_used_again_is_another_request(
    tmp_path: Path,
) -> None:
    work = Work()
    ask = Asker(tmp_path, work).begin()
    ask("record", transaction="t")
    cancelled = ask("cancel", transaction="t")
    first = ask.wait()
    work.may_end.set()
    ask("record", transaction="t", band="lte")
    ask.wait(2)
    work.may_end.clear()
    ask("record", transaction="u")
    # The broker says it again: what goes on now was not meant.
    assert ask("cancel", transaction="t") == cancelled
    assert ask("record", transaction="t") == first
    assert ask.n_begun == 3
    work.may_end.set()
    ask.wait(3)
    assert not work.was_stopped


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SourceError("the cable was pulled"), "the cable was pulled"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (ZeroDivisionError("oops"), "ZeroDivisionError"),
    ],
)
def test_what_fails_is_an_error_and_the_next_one_is_done(
    tmp_path: Path, error: Exception, words: str
) -> None:
    work = Work(error)
    work.may_end.set()
    ask = Asker(tmp_path, work).begin()
    ask("record", transaction="t")
    said = ask.wait()
    assert said["status"] == "error"
    assert words in said["error"]
    work.error = None
    assert ask("record", transaction="u")["status"] == "accepted"
    assert ask.wait(2)["status"] == "ok"


def test_before_the_begin_and_behind_the_end_nothing_is_taken(tmp_path: Path) -> None:
    work = Work()
    ask = Asker(tmp_path, work)
    assert "begins or ends" in ask("record")["error"]
    ask.begin()
    ask("record")
    ask.errands.close()
    assert work.was_stopped
    assert [said["status"] for _, said in ask.said] == ["ok"]
    assert "begins or ends" in ask("record")["error"]
    assert not [one for one in threading.enumerate() if one.name == "edgespec-errand"]


def test_who_does_not_run_is_asked_in_vain(tmp_path: Path) -> None:
    answer = Inbox(Actions(tmp_path, ["lte"])).answer("record", b'{"duration_s": 1}')
    assert "takes an observer that runs" in json.loads(answer)["error"]


def test_a_field_that_does_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="'record' has no kind; it may have band"):
        check_fields(Request("record", band="lte", kind="tone"), "band")
