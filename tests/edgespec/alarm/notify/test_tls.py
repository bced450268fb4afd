"""Webhooks over TLS: whose certificates are trusted, and what is said of others."""

import json
from pathlib import Path

import pytest

from edgespec.alarm.notify import notifier as notifier_module
from edgespec.alarm.notify.notifier import Notifier
from edgespec.config import Config, NotifyConfig
from edgespec.errors import ConfigError
from tests.made.broker import wait_for
from tests.made.certificates import Authority
from tests.made.event import event_of
from tests.made.web_server import WebServer, answer


def test_a_certificate_of_an_authority_of_ones_own_is_trusted_where_that_is_named(
    tmp_path: Path,
) -> None:
    ours = Authority(tmp_path, "ours")
    with WebServer(answer(204), certificate=ours.sign("server")) as server:
        one = Notifier(NotifyConfig(url=server.url, ca_file=ours.cert), "pi-1")
        one.event(event_of())
        one.close()
        (got,) = server.received
    assert (json.loads(got.body)["id"], one.n_lost) == ("e1", 0)


@pytest.mark.parametrize("is_another_named", [False, True])
def test_an_unknown_certificate_is_said_at_once_and_gets_nothing(
    tmp_path: Path, is_another_named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ca_file = Authority(tmp_path, "theirs").cert if is_another_named else None
    certificate = Authority(tmp_path, "ours").sign("server")
    with WebServer(answer(200), certificate=certificate) as server:
        one = Notifier(NotifyConfig(url=server.url, ca_file=ca_file), "pi-1", "notify[1]")
        one.event(event_of())
        wait_for(lambda: one.n_lost == 1, "the loss")
        one.close()
        assert not server.received
    assert "notify[1] (webhook): an alert was not told: its certificate is not trusted" in (
        caplog.text
    )
    assert "set ca_file" in caplog.text
    assert "secret-path" not in caplog.text


def test_that_it_is_tried_again_is_said_once_before_it_is_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifier_module, "_FIRST_S", 0.01)
    monkeypatch.setattr(notifier_module, "_LONGEST_S", 0.02)
    caplog.set_level("INFO")
    with WebServer(answer(503)) as server:
        one = Notifier(NotifyConfig(url=server.url, give_up_s=1.0), "pi-1")
        one.event(event_of())
        wait_for(lambda: one.n_lost == 1, "the loss")
        one.close()
        assert len(server.received) > 1
    first, last = caplog.records
    assert first.getMessage() == "notify (webhook): HTTP 503: it is tried again for 1 s"
    assert (first.levelname, last.levelname) == ("INFO", "WARNING")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "http://host/", "ca_file": Path("ca.pem")}, r"notify\[0\].ca_file .*https"),
        ({"to": "command", "command": ("true",), "ca_file": Path("ca.pem")}, "https"),
    ],
)
def test_certificates_without_tls_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Config(notify=(NotifyConfig(**settings),))  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_certificates_is_said_before_anything_starts(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"notify\[2\].ca_file is .*name a readable file"):
        Notifier(NotifyConfig(url="https://host/", ca_file=path), "pi-1", "notify[2]")
