"""Who fell silent, who speaks again, and who is waited for no more: each is told once."""

import io
import json

from edgespec.fleet.screen import FleetJsonScreen, FleetTextScreen
from edgespec.fleet.silence import OFFLINE, Change, Silence
from edgespec.fleet.tables import Row


def row(node: str, **values: object) -> Row:
    return Row("observers", {"broker": "main", "node": node, **values})


def test_each_change_is_told_once() -> None:
    now = [0.0]
    silence = Silence(60.0, clock=lambda: now[0])
    silence.hear([row("roof", heard_ns=1), row("cellar", heard_ns=1)])
    assert list(silence.changes()) == []
    now[0] = 61.0
    silence.hear([row("cellar", heard_ns=2)])
    ((*about, why),) = silence.changes()
    assert about == ["main", "roof", Change.SILENT]
    assert "1 min" in why or "61" in why
    assert list(silence.changes()) == []
    silence.hear([row("roof", heard_ns=3), row("cellar", is_online=False)])
    assert list(silence.changes()) == [
        ("main", "roof", Change.HEARD, ""),
        ("main", "cellar", Change.SILENT, OFFLINE),
    ]


def test_who_is_forgotten_ends_his_silence() -> None:
    silence = Silence(60.0, clock=lambda: 0.0)
    silence.hear([row("roof", is_online=False), row("cellar", heard_ns=1)])
    list(silence.changes())
    for node in ("roof", "cellar", "nobody"):
        silence.forget("main", node)
    assert list(silence.changes()) == [
        ("main", "roof", Change.FORGOTTEN, ""),
        ("main", "cellar", Change.FORGOTTEN, ""),
    ]
    assert list(silence.changes()) == []
    assert silence.counts == (0, 0)
    # Who comes back is new.
    silence.hear([row("roof", is_online=False)])
    assert list(silence.changes()) == [("main", "roof", Change.SILENT, OFFLINE)]


def test_screens_say_what_an_observer_became() -> None:
    lines, words = io.StringIO(), io.StringIO()
    changes = [(Change.SILENT, OFFLINE), (Change.HEARD, ""), (Change.FORGOTTEN, "")]
    for change, why in changes:
        FleetJsonScreen(lines).observer("main", "roof", change, why)
        FleetTextScreen(words).observer("main", "roof", change, why)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(one["what"], one["node"], one["why"]) for one in told] == [
        ("silent", "roof", OFFLINE), ("heard", "roof", ""), ("forgotten", "roof", ""),
    ]  # fmt: skip
    assert [line.strip() for line in words.getvalue().splitlines()] == [
        f"roof  SILENT: {OFFLINE}",
        "roof  is heard again",
        "roof  is forgotten, and waited for no more",
    ]  # fmt: skip
