"""Notifications over real HTTP and real processes: slow, dead and lying ones harm nothing."""

import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from edgespec.alarm.notify import notifier as notifier_module
from edgespec.alarm.notify.notifier import Notifier
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.alert import Alert
from edgespec.config import Config, NotifyConfig
from edgespec.errors import ConfigError
from edgespec.level_scale import LevelScale
from edgespec.listing import Listing, MaskWord
from edgespec.records import Event, EventType
from tests.made.broker import wait_for
from tests.made.event import event_of
from tests.made.web_server import WebServer, answer, dribble, hang

OK = answer(200)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier_module, "_FIRST_S", 0.01)
    monkeypatch.setattr(notifier_module, "_LONGEST_S", 0.02)


@pytest.fixture
def opened() -> Iterator[list[Notifier]]:
    """Notifiers to be closed."""
    made: list[Notifier] = []
    yield made
    for one in made:
        one.close()


def notifier_to(server: WebServer, opened: list[Notifier], **settings: object) -> Notifier:
    made = Notifier(NotifyConfig(url=server.url, **settings), "pi-1")  # type: ignore[arg-type]
    opened.append(made)
    return made


def test_a_webhook_gets_the_event_as_json_and_its_token(
    opened: list[Notifier], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    with WebServer(OK) as server:
        notifier_to(server, opened, token_file=tmp_path / "token").event(event_of())
        wait_for(lambda: len(server.received) == 1, "the notification")
        (request,) = server.received
    assert request.line == "POST /secret-path?q=1 HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer t0ken"
    body = json.loads(request.body)
    assert (body["schema"], body["id"], body["node"]) == ("edgespec.event/2", "e1", "pi-1")
    assert body["alert"] is True


@pytest.mark.parametrize(
    ("scale", "level"),
    [
        (
            LevelScale(-30.0),
            b"-41.0 dBFS = -71.0 dBm (calibrated, nobody says when (band.calibrated))",
        ),
        (
            LevelScale(-30.0, 24.0, date(2026, 1, 9)),
            b"-41.0 dBFS = 60.0 dBuV/m (calibrated 10 days before)",
        ),
    ],
)
def test_ntfy_says_what_arrives_where_that_is_known(
    opened: list[Notifier], scale: LevelScale, level: bytes
) -> None:
    with WebServer(OK) as server:
        notifier_to(server, opened, to="ntfy").event(event_of(scale=scale))
        wait_for(lambda: bool(server.received), "the notification")
    assert level in server.received[0].body


def test_ntfy_presses_for_what_the_mask_does_not_allow(opened: list[Notifier]) -> None:
    listings = [
        Listing(MaskWord.LISTED, "BTS"), Listing(MaskWord.OVER, "BTS", 2.0),
        Listing(MaskWord.NOT_LISTED),
    ]  # fmt: skip
    with WebServer(OK) as server:
        one = notifier_to(server, opened, to="ntfy")
        for number, listing in enumerate(listings):
            one.event(event_of(event_id=f"e{number}", listing=listing))
        wait_for(lambda: len(server.received) == 3, "all notifications")
    said = [(got.headers["priority"], got.body.splitlines()[1]) for got in server.received]
    assert said == [
        ("high", b"listed: BTS"), ("urgent", b"listed: BTS, 2.0 dB over"),
        ("urgent", b"not listed"),
    ]  # fmt: skip


def test_ntfy_gets_a_text(opened: list[Notifier]) -> None:
    with WebServer(OK) as server:
        one = notifier_to(server, opened, to="ntfy", ends=True)
        one.event(event_of())
        one.event(event_of(event_type=EventType.END))
        wait_for(lambda: len(server.received) == 2, "both notifications")
        begin, end = server.received
    assert begin.headers["title"] == "pi-1: tone in lte"
    assert (begin.headers["priority"], end.headers["priority"]) == ("high", "default")
    assert begin.body.startswith(b"100 kHz at 806.05 MHz, -41.0 dBFS, +12.0 dB beside normal\n")
    assert end.headers["title"] == "pi-1: tone in lte is over"
    assert "authorization" not in begin.headers


OFF = Alert(is_on=False, reason="rule")
UPDATE, END = EventType.UPDATE, EventType.END


@pytest.mark.parametrize(
    ("events", "ends", "told"),
    [
        ([event_of(), event_of(event_type=UPDATE), event_of(event_type=END)], False, ["new"]),
        ([event_of(), event_of(event_type=UPDATE), event_of(event_type=END)], True, ["new", "end"]),
        # It becomes an alert as it goes on.
        ([event_of(alert=OFF), event_of(event_type=UPDATE)], False, ["update"]),
        ([event_of(alert=OFF), event_of(event_type=END, alert=OFF)], True, []),
        # Its name comes in the same hop.
        ([event_of(kind_probability=0.0), event_of(event_type=UPDATE)], False, ["update"]),
        ([event_of(kind_probability=0.0), event_of(event_type=END, kind_probability=0.0)],
         True, ["end"]),
    ],
)  # fmt: skip
def test_an_alert_is_told_once_when_it_has_a_name(
    opened: list[Notifier], events: list[Event], ends: bool, told: list[str]
) -> None:
    with WebServer(OK) as server:
        one = notifier_to(server, opened, ends=ends)
        for event in events:
            one.event(event)
        one.close()
        assert [json.loads(request.body)["event_type"] for request in server.received] == told
    assert one.n_lost == 0


def test_a_test_is_told_where_that_is_wanted_and_quietly(opened: list[Notifier]) -> None:
    off = Alert(is_on=False, reason="test")
    with WebServer(OK) as server:
        for tests in (False, True):
            one = notifier_to(server, opened, to="ntfy", tests=tests, ends=True)
            for event_type in (EventType.NEW, END):
                one.event(event_of("test", alert=off, event_type=event_type))
            one.close()
        titles = [got.headers["title"] for got in server.received]
        assert titles == ["pi-1: test in lte", "pi-1: test in lte is over"]
        assert server.received[0].headers["priority"] == "min"


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_what_may_pass_is_tried_again_until_it_is_taken(
    opened: list[Notifier], status: int
) -> None:
    with WebServer(answer(status), answer(status), OK) as server:
        one = notifier_to(server, opened)
        one.event(event_of())
        wait_for(lambda: len(server.received) == 3, "three attempts")
        one.close()
    assert one.n_lost == 0


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404])
def test_what_does_not_pass_is_lost_at_once_and_no_redirect_is_followed(
    opened: list[Notifier], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with WebServer(OK) as stranger:
        there = f"Location: http://127.0.0.1:{stranger.port}/\r\n"
        with WebServer(answer(status, there)) as server:
            one = notifier_to(server, opened)
            one.event(event_of())
            wait_for(lambda: one.n_lost == 1, "the loss")
            assert len(server.received) == 1
        assert not stranger.received
    assert f"HTTP {status}" in caplog.text
    assert "secret-path" not in caplog.text


def test_attempts_end_and_the_loss_is_counted_without_the_address(
    opened: list[Notifier], caplog: pytest.LogCaptureFixture
) -> None:
    with WebServer(answer(500)) as server:
        one = notifier_to(server, opened, give_up_s=0.2)
        one.event(event_of())
        wait_for(lambda: one.n_lost == 1, "the loss")
        assert len(server.received) > 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "HTTP 500" in caplog.text
    assert "secret-path" not in caplog.text


def test_nobody_there_is_lost_after_attempts(opened: list[Notifier]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    one = Notifier(NotifyConfig(url=f"http://127.0.0.1:{port}/", give_up_s=0.1), "pi-1")
    opened.append(one)
    one.event(event_of())
    wait_for(lambda: one.n_lost == 1, "the loss")


@pytest.mark.parametrize("behaviour", [hang, dribble])
def test_a_server_that_never_ends_its_answer_is_left(
    opened: list[Notifier], behaviour: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with WebServer(behaviour, OK) as server:  # type: ignore[arg-type]
        one = notifier_to(server, opened, timeout_s=0.2)
        one.event(event_of())
        wait_for(lambda: len(server.received) == 2, "the second attempt")
        one.close()
    assert one.n_lost == 0
    assert "no answer (within 0.2 s): it is tried again" in caplog.text


def test_a_huge_answer_is_not_read(opened: list[Notifier]) -> None:
    huge = answer(200, body=b"x" * 50_000_000)
    with WebServer(huge) as server:
        one = notifier_to(server, opened)
        one.event(event_of())
        wait_for(lambda: len(server.received) == 1, "the notification")
        one.close()
    assert one.n_lost == 0


def test_what_is_no_http_is_tried_again(opened: list[Notifier]) -> None:
    def lie(client: socket.socket, closing: threading.Event) -> None:
        client.sendall(b"SSH-2.0-secret\r\n")

    with WebServer(lie, OK) as server:
        one = notifier_to(server, opened)
        one.event(event_of())
        wait_for(lambda: len(server.received) == 2, "the second attempt")
        one.close()
    assert one.n_lost == 0


def test_the_alarm_path_never_waits_and_what_does_not_fit_is_counted(
    opened: list[Notifier], caplog: pytest.LogCaptureFixture
) -> None:
    """The server hangs for longer than any test: the calls return all the same."""
    with WebServer(hang) as server:
        one = notifier_to(server, opened, timeout_s=3600.0)
        one.event(event_of(event_id="first"))
        wait_for(lambda: len(server.received) == 1, "the first")
        for number in range(100):
            one.event(event_of(event_id=f"e{number}"))
        assert one.n_lost == 100 - notifier_module._MOST_WAITING
        assert len(server.received) == 1
    assert len(caplog.records) == 1


def command_of(code: str, **settings: object) -> NotifyConfig:
    return NotifyConfig(to="command", command=(sys.executable, "-c", code), **settings)  # type: ignore[arg-type]


def test_a_command_reads_the_event_and_finds_the_recording_and_no_secret(
    tmp_path: Path, opened: list[Notifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESPEC_MQTT_PASSWORD", "pa55word")
    monkeypatch.setenv("NOTIFY_SOCKET", "/pa55word")
    out = tmp_path / "out"
    code = (
        "import json, os, sys; event = json.load(sys.stdin); "
        f"text = json.dumps([event['id'], os.environ.get('EDGESPEC_EVIDENCE'), "
        f"'pa55word' in str(os.environ)]); open({str(out)!r} + '.new', 'w').write(text); "
        f"os.rename({str(out)!r} + '.new', {str(out)!r})"
    )
    kept = Whereabouts()
    one = Notifier(command_of(code, evidence=True), "pi-1", "notify[0]", kept, 60.0)
    opened.append(one)
    one.event(event_of())
    assert not out.exists()
    kept.put(["other", "e1"], tmp_path / "a.sigmf-meta")
    wait_for(out.exists, "the command")
    assert json.loads(out.read_text()) == ["e1", str(tmp_path / "a.sigmf-meta"), False]


def test_without_a_recording_in_time_a_command_runs_all_the_same(
    tmp_path: Path, opened: list[Notifier]
) -> None:
    out = tmp_path / "out"
    code = f"import os; os.mkdir({str(out)!r}) if 'EDGESPEC_EVIDENCE' not in os.environ else 0"
    one = Notifier(command_of(code, evidence=True), "pi-1", "notify[0]", Whereabouts(), 0.05)
    opened.append(one)
    one.event(event_of())
    wait_for(out.exists, "the command")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (command_of("raise SystemExit(3)"), "it ended with 3"),
        (command_of("input(); import time; time.sleep(3600)", timeout_s=0.5), "too long"),
        (NotifyConfig(to="command", command=("/nowhere",)), "No such file"),
    ],
)
def test_a_command_that_fails_is_counted_and_not_run_again(
    settings: NotifyConfig, reason: str, opened: list[Notifier], caplog: pytest.LogCaptureFixture
) -> None:
    one = Notifier(settings, "pi-1", "notify[2]")
    opened.append(one)
    one.event(event_of())
    wait_for(lambda: one.n_lost == 1, "the loss")
    assert reason in caplog.text
    assert "notify[2] (command)" in caplog.text


def test_a_command_that_takes_too_long_takes_along_what_it_started(
    tmp_path: Path, opened: list[Notifier]
) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', "
        f"'import time; time.sleep(3600)']); open({str(pid)!r}, 'w').write(str(child.pid)); "
        "child.wait()"
    )
    one = Notifier(command_of(code, timeout_s=3.0), "pi-1")
    opened.append(one)
    one.event(event_of())
    wait_for(lambda: one.n_lost == 1, "the loss")
    child = int(pid.read_text())

    def is_gone() -> bool:
        stat = Path(f"/proc/{child}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

    wait_for(is_gone, "the end of the child")


def test_closing_does_not_wait_for_a_dead_server(opened: list[Notifier]) -> None:
    with WebServer(answer(500)) as server:
        one = notifier_to(server, opened, give_up_s=86_400.0)
        for number in range(3):
            one.event(event_of(event_id=f"e{number}"))
        one.close()
        one.close()
        # Each has one attempt more at the end.
        assert one.n_lost == 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["notify[0]", "webhook", "no url"]),
        ({"to": "command"}, ["notify[0]", "no command"]),
        ({"to": "ntfy", "command": ("true",)}, ["no url"]),
        ({"to": "mail"}, ["webhook", "ntfy", "command"]),
        ({"url": "ftp://secret"}, ["url is a secret", "http"]),
        ({"url": "http://user:secret@host/"}, ["token_file"]),
        ({"url": "http://host:99999/secret"}, ["HOST[:PORT]"]),
        ({"url": "http:///secret"}, ["HOST[:PORT]"]),
        ({"url": "http://hö/secret"}, ["http"]),
    ],
)
def test_what_cannot_work_is_refused_without_the_secret(
    settings: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        Config(notify=(NotifyConfig(**settings),))  # type: ignore[arg-type]
    said = str(caught.value)
    assert [word for word in words if word not in said] == []
    assert "//secret" not in said
    assert ":secret" not in said


def test_no_address_is_shown() -> None:
    assert "secret" not in repr(Config(notify=(NotifyConfig(url="https://host/secret"),)))


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff"])
def test_a_token_that_is_none_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"notify\[1\].token_file"):
        Notifier(NotifyConfig(url="http://host/", token_file=path), "pi-1", "notify[1]")


def test_an_event_without_an_alert_starts_no_thread() -> None:
    before = threading.active_count()
    one = Notifier(NotifyConfig(url="http://host/"), "pi-1")
    one.event(event_of(alert=OFF))
    assert threading.active_count() == before
    one.close()


def test_whereabouts_forget_the_oldest() -> None:
    kept = Whereabouts()
    kept.put([f"e{number}" for number in range(1000)], Path("there"))
    assert kept.wait("e0", 0.0) is None
    assert kept.wait("e999", 0.0) == Path("there")
