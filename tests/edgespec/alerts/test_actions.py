"""What people ask for, from the words to the next event; and what strangers send instead."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from edgespec.alert import Alert
from edgespec.alerts.actions import Actions
from edgespec.alerts.decisions import DecisionsFile
from edgespec.alerts.inbox import Inbox
from edgespec.alerts.incidents import IncidentTable, events_folder
from edgespec.errors import UsageError
from edgespec.records import EventType
from edgespec.wire.request import COMMANDS, Request, parse_response
from tests.made.event import MONDAY_NS, event_of
from tests.made.history import keep

NOW_NS = MONDAY_NS
DAY_NS = 86400 * 10**9


class Site:
    """The folder of an observer that has told one event twice and one that goes on."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir, self.folder = state_dir, events_folder(state_dir)
        self.folder.mkdir()
        self.actions = Actions(state_dir, ["lte"], lambda: NOW_NS)
        table = IncidentTable({"lte": 20e3})
        for number, event_type in ((1, EventType.NEW), (1, EventType.END), (2, EventType.NEW)):
            event = event_of(event_id=f"e{number}", event_type=event_type, at_s=60.0 * number)
            self.incident = table.take(event)
            self.keep(number, event_type)
        (self.folder / "incidents.json").write_bytes(table.content())

    def keep(self, number: int, event_type: EventType, lasts_s: float = 1.0) -> None:
        event = event_of(
            event_id=f"e{number}", event_type=event_type, at_s=60.0 * number, lasts_s=lasts_s,
            alert=Alert(incident=self.incident),
        )  # fmt: skip
        keep(self.state_dir, [event])

    def do(self, command: str, **about: object) -> dict:
        return self.actions.do(Request(command, **about))

    def why_not(self, now_ns: int = NOW_NS, **fields: object) -> str:
        return DecisionsFile(self.folder).read().why_not(event_of(**fields), now_ns, None)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_acknowledge(site: Site) -> None:
    assert site.do("ack", id="e2") == {"acknowledged": "e2"}
    assert site.why_not(event_id="e2") == "acknowledged"
    with pytest.raises(UsageError, match="e1 is over"):
        site.do("ack", id="e1")
    for name in ("", "e3", site.incident):
        with pytest.raises(UsageError, match="edgespec events list"):
            site.do("ack", id=name)


def test_mute_by_what_is_named_for_a_while(site: Site) -> None:
    answer = site.do("mute", band="lte", kind="tone", duration_s=60.0)
    assert answer["until"] == "2026-01-19T08:01:00.000000Z"
    assert site.why_not() == "muted"
    assert site.why_not(NOW_NS + 60 * 10**9) == ""
    assert site.why_not(kind="pulse") == ""
    assert site.do("silenced") == {"mutes": [answer], "normals": []}
    # A day is what nobody has to say.
    assert site.do("mute", kind="sweep")["until"] == "2026-01-20T08:00:00.000000Z"


@pytest.mark.parametrize("name", ["e1", "e2", "incident"])
def test_mute_by_an_event_or_its_incident(site: Site, name: str) -> None:
    answer = site.do("mute", id=site.incident if name == "incident" else name)
    # What it is called may differ from one event to the next.
    assert (answer["band"], answer["kind"]) == ("lte", None)
    assert site.why_not(NOW_NS + DAY_NS - 1) == "muted"
    assert site.why_not(lower_hz=806.02e6, upper_hz=806.12e6) == "muted"
    assert site.do("mute", id=name if name != "incident" else site.incident, band="lte")
    assert site.why_not(lower_hz=800e6, upper_hz=810e6) == ""
    assert site.why_not(band="gsm") == ""


@pytest.mark.parametrize("name", ["e1", "e2", "incident"])
def test_normal_by_an_event_or_its_incident(site: Site, name: str) -> None:
    answer = site.do("normal", id=site.incident if name == "incident" else name)
    assert answer["incident"] == site.incident
    assert answer["until"] is None
    assert (answer["peak_dbfs"], answer["excess_db"]) == (-41.0, 12.0)
    assert site.why_not(event_id="e9") == "normal here"
    assert site.why_not(peak_dbfs=-37.5) == ""
    # Said again, it is renewed and not there twice.
    site.do("normal", id="e1", duration_s=10.0)
    (normal,) = site.do("silenced")["normals"]
    assert normal["until"] == "2026-01-19T08:00:10.000000Z"


@pytest.mark.parametrize("name", ["e1", "e2", "e3", "incident"])
def test_how_long_is_normal_is_said_by_the_history_and_not_by_a_file_of_then(
    site: Site, name: str
) -> None:
    """What goes on while it is taught may last; what is over may last twice as long."""
    name = site.incident if name == "incident" else name
    site.keep(2, EventType.END, lasts_s=4.0)
    if name != "e3":
        assert site.do("normal", id=name)["duration_s"] == 4.0
    site.keep(3, EventType.NEW)
    assert site.do("normal", id=name)["duration_s"] is None


def test_an_overload_is_never_normal(site: Site) -> None:
    """It reads the same however strong it is."""
    table = IncidentTable({})
    site.incident = table.take(event_of("overload", event_id="e9"))
    (site.folder / "incidents.json").write_bytes(table.content())
    with pytest.raises(UsageError, match="overload cannot be normal"):
        site.do("normal", id=site.incident)


def test_undo_by_id_and_of_the_last(site: Site) -> None:
    mute, normal = site.do("mute", band="lte"), site.do("normal", id="e1")
    assert site.do("undo", id=mute["id"]) == {"undone": mute["id"]}
    assert site.why_not() == "normal here"
    assert site.do("undo") == {"undone": normal["id"]}
    assert site.why_not() == ""
    with pytest.raises(UsageError, match="nothing to undo"):
        site.do("undo")
    site.do("mute", band="lte")
    with pytest.raises(UsageError, match="'mute-x' is not in force"):
        site.do("undo", id="mute-x")


@pytest.mark.parametrize(
    ("command", "about", "words"),
    [
        ("mute", {}, "a mute of everything is none"),
        ("mute", {"band": "gsm"}, "'gsm' is not there: .*'lte'"),
        ("mute", {"kind": "tune"}, "did you mean 'tone'"),
        ("mute", {"id": "e7"}, "no event and no incident 'e7'"),
        ("mute", {"id": "e2", "lower_hz": 1e9}, "'e2' has its own band, 'lte', and frequencies"),
        ("mute", {"id": "e2", "upper_hz": 1e9}, "'e2' has its own band"),
        ("mute", {"id": "e2", "band": "gsm"}, "'e2' has its own band"),
        ("normal", {}, "no event and no incident ''"),
        ("normal", {"id": "i-12345678"}, "no event and no incident 'i-12345678'"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    site: Site, command: str, about: dict, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        site.do(command, **about)
    assert not (site.folder / "decisions.json").exists()


def test_an_incident_that_is_not_written_yet_is_asked_for_again(site: Site) -> None:
    (site.folder / "incidents.json").unlink()
    with pytest.raises(UsageError, match="ask again in a few seconds"):
        site.do("normal", id="e1")


class Asked:
    """An inbox and its clock."""

    def __init__(self, site: Site) -> None:
        self.now_s = 0.0
        self.inbox = Inbox(site.actions, lambda: self.now_s)

    def __call__(self, command: str, data: bytes | str) -> dict | None:
        answer = self.inbox.answer(command, data if isinstance(data, bytes) else data.encode())
        self.now_s += 1.0
        return None if answer is None else json.loads(answer)


def test_a_request_is_answered_with_its_transaction(site: Site) -> None:
    ask = Asked(site)
    said = ask("mute", '{"transaction": "t-1", "band": "lte", "duration_s": 60}')
    assert said["schema"] == "edgespec.response/1"
    assert (said["transaction"], said["status"], said["error"]) == ("t-1", "ok", "")
    assert said["data"]["id"].startswith("mute-")
    assert site.why_not() == "muted"
    said = ask("ack", '{"transaction": "t-2", "id": "e7"}')
    assert (said["transaction"], said["status"]) == ("t-2", "error")
    assert "no event 'e7'" in said["error"]
    said = ask("mute", '{"transaction": "t-3", "bnd": "lte"}')
    assert said["transaction"] == "t-3"
    assert "did you mean 'band'" in said["error"]
    assert ask("silenced", b"")["status"] == "ok"
    assert ask("reboot", b"")["error"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff", b"[]", b"null", b"{", b"[" * 3000, b'{"a": ' * 500, b" " * 5000, b'{"id": 1}',
        b'{"duration_s": NaN}', b'{"duration_s": -1}', b'{"duration_s": 1e300}',
        b'{"duration_s": null, "not_finite": {"/duration_s": "inf"}}', b'{"id": "\\u001b[2J"}',
        b'{"id": "../../etc/passwd"}', b'{"id": "' + b"x" * 3000 + b'"}', b'{"lower_hz": true}',
        b'{"transaction": "\\n"}', b'{"transaction": 5}', b'{"band": ""}', b'{"kind": "\\ud800"}',
        b'{"schema": "edgespec.request/2"}', b'{"command": "ack", "id": "e2", "band": 5}',
        b'{"lower_hz": 2, "upper_hz": 1}', b'{"id": "e2", "id": "e2"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [*COMMANDS, "x", "\x1b"])
def test_whatever_is_sent_the_answer_is_a_line(site: Site, command: str, data: bytes) -> None:
    answer = Inbox(site.actions).answer(command, data)
    assert answer is not None
    assert len(answer) < 1500
    response = parse_response(answer)
    assert response.error.isprintable()
    if command not in ("silenced", "undo"):
        assert response.error
    assert not (site.folder / "decisions.json").exists()


def test_noise_never_gets_through(site: Site, rng: np.random.Generator) -> None:
    good = b'{"transaction": "t", "id": "e2", "band": "lte", "duration_s": 60}'
    ask = Asked(site)
    for _ in range(500):
        data = bytearray(good)
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        assert ask(str(rng.choice(COMMANDS)), bytes(data))["status"] in ("ok", "error")
    assert len(DecisionsFile(site.folder).read().mutes) <= 64


def test_a_flood_is_not_answered_and_is_said_once(site: Site, caplog) -> None:
    ask = Asked(site)
    answers = []
    for _ in range(1000):
        answers.append(ask("silenced", b""))
        ask.now_s -= 1.0
    assert sum(answer is not None for answer in answers) == 10
    assert ask.inbox.n_refused == 990
    assert len(caplog.records) == 1
    ask.now_s += 3.0
    answers = [ask.inbox.answer("silenced", b"") for _ in range(10)]
    assert sum(answer is not None for answer in answers) == 3


def test_a_disk_that_refuses_is_an_error_of_the_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edgespec.alerts.decisions.replace_file", refuse)
    said = Asked(site)("mute", '{"band": "lte"}')
    assert said["status"] == "error"
    assert "No space left on device" in said["error"]


def test_what_cannot_be_normal_is_named_however_the_incident_began(site: Site) -> None:
    table = IncidentTable({})
    site.incident = table.take(event_of("tone", event_id="e8"))
    # It was given another name as it went on.
    again = event_of("overload", event_id="e8", event_type=EventType.UPDATE)
    assert table.take(again) == site.incident
    (site.folder / "incidents.json").write_bytes(table.content())
    with pytest.raises(UsageError, match=r"^overload cannot be normal"):
        site.do("normal", id=site.incident)
