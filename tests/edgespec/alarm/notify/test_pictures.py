"""Alerts are told once more with their pictures: what arrives, and what pictures never cost."""

import email
import email.policy
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgespec.alarm.notify.notifier import Notifier
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.alert import Alert
from edgespec.config import Config, EvidenceConfig, NotifyConfig
from edgespec.errors import ConfigError
from tests.made.broker import wait_for
from tests.made.event import event_of
from tests.made.web_server import WebServer, answer, hang, refuse_early

OK = answer(200)
#: Longer than what sockets hold, with all that a form might stumble over.
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20_000 + b"\r\n--"


@pytest.fixture
def kept() -> Whereabouts:
    return Whereabouts()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "20260119T080000Z-lte-e1.png"
    path.write_bytes(PNG)
    return path


@pytest.fixture
def opened() -> Iterator[list[Notifier]]:
    made: list[Notifier] = []
    yield made
    for one in made:
        one.close()


def drawing_notifier(opened: list[Notifier], kept: Whereabouts, **settings: object) -> Notifier:
    made = Notifier(NotifyConfig(picture=True, **settings), "pi-1", "notify[0]", kept)  # type: ignore[arg-type]
    opened.append(made)
    return made


def test_ntfy_gets_the_picture_as_an_attachment_after_the_text(
    opened: list[Notifier], kept: Whereabouts, picture: Path, tmp_path: Path
) -> None:
    """What its server takes for one: a body beside ``Filename`` (server.go, handlePublishBody)."""
    (tmp_path / "token").write_text("t0ken\n")
    with WebServer(OK) as server:
        one = drawing_notifier(
            opened, kept, to="ntfy", url=server.url, token_file=tmp_path / "token"
        )
        one.event(event_of())
        wait_for(lambda: len(server.received) == 1, "the text")
        kept.drawn(["e1"], picture)
        wait_for(lambda: len(server.received) == 2, "the picture")
        one.close()
        text, drawn = server.received
    assert "filename" not in text.headers
    assert drawn.headers["filename"] == picture.name
    assert drawn.headers["title"] == "pi-1: tone in lte, drawn"
    assert (text.headers["priority"], drawn.headers["priority"]) == ("high", "low")
    assert drawn.headers["authorization"] == "Bearer t0ken"
    assert drawn.body == PNG
    assert one.n_lost == 0


def test_a_webhook_gets_a_form_of_event_and_picture(
    opened: list[Notifier], kept: Whereabouts, picture: Path
) -> None:
    with WebServer(OK) as server:
        one = drawing_notifier(opened, kept, url=server.url)
        one.event(event_of())
        kept.drawn(["e1"], picture)
        wait_for(lambda: len(server.received) == 2, "both")
        one.close()
        (form,) = [got for got in server.received if got.headers["content-type"][:5] == "multi"]
    head = f"Content-Type: {form.headers['content-type']}\r\n\r\n".encode()
    # The email package is the second opinion on what a form is.
    message = email.message_from_bytes(head + form.body, policy=email.policy.HTTP)
    event, drawn = message.iter_parts()
    assert event.get_param("name", header="content-disposition") == "event"
    assert json.loads(event.get_content())["id"] == "e1"
    assert drawn.get_param("name", header="content-disposition") == "picture"
    assert (drawn.get_content_type(), drawn.get_filename()) == ("image/png", picture.name)
    assert form.body.count(PNG) == 1


def test_a_command_runs_again_with_the_path(
    opened: list[Notifier], kept: Whereabouts, picture: Path, tmp_path: Path
) -> None:
    code = (
        f"import os, pathlib; pathlib.Path({str(tmp_path)!r}, 'ran-' + "
        "os.path.basename(os.environ.get('EDGESPEC_PICTURE', 'without'))).mkdir()"
    )
    one = drawing_notifier(opened, kept, to="command", command=(sys.executable, "-c", code))
    one.event(event_of())
    kept.drawn(["e1"], picture)
    wait_for((tmp_path / "ran-without").exists, "the alert")
    wait_for((tmp_path / f"ran-{picture.name}").exists, "the picture")


def test_a_picture_of_several_alerts_is_told_once_and_of_no_alert_never(
    opened: list[Notifier], kept: Whereabouts, picture: Path
) -> None:
    off = Alert(is_on=False, reason="rule")
    with WebServer(OK) as server:
        one = drawing_notifier(opened, kept, to="ntfy", url=server.url)
        for name in ("e1", "e2"):
            one.event(event_of(event_id=name))
        one.event(event_of(event_id="e3", alert=off))
        kept.drawn(["e3"], picture)
        kept.drawn(["e0", "e1", "e2"], picture)
        kept.drawn(["e1"], picture)
        one.close()
        names = [got.headers.get("filename") for got in server.received]
    assert sorted(filter(None, names)) == [picture.name]
    assert len(names) == 3


def test_who_did_not_ask_gets_none(
    opened: list[Notifier], kept: Whereabouts, picture: Path
) -> None:
    with WebServer(OK) as server:
        one = Notifier(NotifyConfig(url=server.url), "pi-1", "notify[0]", kept)
        opened.append(one)
        one.event(event_of())
        kept.drawn(["e1"], picture)
        one.close()
        assert len(server.received) == 1


@pytest.mark.parametrize("behaviour", [answer(400), answer(413), refuse_early])
def test_a_picture_that_is_refused_is_no_lost_alert(
    opened: list[Notifier],
    kept: Whereabouts,
    picture: Path,
    behaviour: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of a server that hangs up in the middle of five megabytes, its answer is read all the same.

    That is what nginx does with more than ``client_max_body_size``.
    """
    with WebServer(OK, behaviour) as server:  # type: ignore[arg-type]
        one = drawing_notifier(opened, kept, url=server.url)
        one.event(event_of())
        wait_for(lambda: len(server.received) == 1, "the event")
        kept.drawn(["e1"], picture)
        wait_for(lambda: "a picture was not taken: HTTP 4" in caplog.text, "the word of it")
        assert len(server.received) == 2
    assert one.n_lost == 0


def test_a_picture_that_has_gone_is_said(
    opened: list[Notifier], kept: Whereabouts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with WebServer(OK) as server:
        one = drawing_notifier(opened, kept, url=server.url)
        one.event(event_of())
        kept.drawn(["e1"], tmp_path / "gone.png")
        wait_for(lambda: "cannot be read (No such file" in caplog.text, "the word of it")
        one.close()
        assert len(server.received) == 1


def test_no_alert_waits_for_a_picture_and_more_than_fit_are_left_out(
    opened: list[Notifier], kept: Whereabouts, picture: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The server takes events and hangs on pictures for longer than any test."""
    names = [f"e{number}" for number in range(40)]
    with WebServer(OK, hang, OK) as server:
        one = drawing_notifier(opened, kept, url=server.url, timeout_s=3600.0)
        one.event(event_of(event_id="e0"))
        wait_for(lambda: len(server.received) == 1, "the first event")
        kept.drawn(["e0"], picture)
        wait_for(lambda: len(server.received) == 2, "its picture")
        for name in names[1:]:
            one.event(event_of(event_id=name))
            kept.drawn([name], picture)
        wait_for(lambda: len(server.received) == 41, "all events")
        assert one.n_lost == 0
    (said,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert "pictures come faster" in said.getMessage()


@pytest.mark.parametrize(
    "evidence", [EvidenceConfig(keep="nothing"), EvidenceConfig(pictures=False)]
)
def test_a_picture_of_nothing_is_refused(evidence: EvidenceConfig) -> None:
    wanted = NotifyConfig(url="http://host/", picture=True)
    with pytest.raises(ConfigError, match=r"notify\[0\].picture is true, but nothing is drawn"):
        Config(notify=(wanted,), evidence=evidence)
