"""A broker that asks for the observer's certificate, and files that are none."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError, ConfigError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.port import free_port
from tests.made.broker import Broker, Listener, wait_for
from tests.made.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def strict(tmp_path: Path, stack: ExitStack, authority: Authority) -> tuple[Broker, Listener]:
    """mosquitto that takes whom the authority knows, and what it hears."""
    cert, key = authority.sign("broker")
    plain_port = free_port()
    lines = [f"cafile {authority.cert}", f"certfile {cert}", f"keyfile {key}"]
    lines += ["require_certificate true", f"listener {plain_port} 127.0.0.1"]
    broker = Broker(tmp_path, lines)
    stack.callback(broker.stop)
    listener = Listener(plain_port)
    stack.callback(listener.close)
    return broker, listener


def settings_for(broker: Broker, authority: Authority, **options: Any) -> MqttConfig:
    url = broker.url.replace("mqtt:", "mqtts:")
    return MqttConfig(url=url, ca_file=authority.cert, **options)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
@pytest.mark.parametrize("is_one_file", [False, True])
def test_who_shows_its_certificate_is_heard(
    strict: tuple[Broker, Listener], authority: Authority, protocol: str, is_one_file: bool
) -> None:
    broker, listener = strict
    cert, key = authority.sign("observer")
    options: dict[str, Any] = {"cert_file": cert, "key_file": key}
    if is_one_file:
        cert.write_bytes(cert.read_bytes() + key.read_bytes())
        del options["key_file"]
    settings = settings_for(broker, authority, protocol=protocol, **options)
    with Session(Link.of(settings, "x")) as session:
        session.publish("edgespec/x", b"hello", 1)
        while session.unacked:
            session.poll(None, 0.2)
    wait_for(lambda: listener.on("/x") == [b"hello"], "what it said")


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_who_shows_none_or_a_strangers_is_not(
    tmp_path: Path, strict: tuple[Broker, Listener], authority: Authority, protocol: str, who: str
) -> None:
    broker, _ = strict
    options: dict[str, Any] = {}
    if who == "stranger":
        cert, key = Authority(tmp_path, "elsewhere").sign("stranger")
        options = {"cert_file": cert, "key_file": key}
    settings = settings_for(broker, authority, protocol=protocol, **options)
    # The broker hangs up: in the handshake, or before it answers (TLS 1.3).
    with (
        pytest.raises(BrokerError, match=r"mqtt\.cert_file|TLS fails|cannot be reached"),
        Session(Link.of(settings, "x")),
    ):
        pass


def test_files_that_cannot_be_shown_are_named(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.sign("observer")
    _, other_key = authority.sign("other")
    locked, locked_key = authority.sign("locked", passphrase="hunter2")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")

    def refused(says: str, **files: Path) -> None:
        with pytest.raises(ConfigError, match=says):
            Link.of(MqttConfig(url="mqtts://localhost", ca_file=authority.cert, **files), "x")

    refused(r"cert_file .*absent.pem' cannot be read \(No such", cert_file=tmp_path / "absent.pem")
    refused(r"key_file .*absent' cannot be read", cert_file=cert, key_file=tmp_path / "absent")
    refused("the key belongs to another certificate", cert_file=cert, key_file=other_key)
    refused("observer.pem' cannot be used", cert_file=cert)
    refused("text.pem' .* cannot be used", cert_file=text, key_file=key)
    refused("has a passphrase", cert_file=locked, key_file=locked_key)


def test_a_certificate_without_tls_or_a_key_without_certificate_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"without TLS: write mqtts://"):
        Link.of(MqttConfig(url="mqtt://localhost", cert_file=Path("x.pem")), "x")
    with pytest.raises(ConfigError, match=r"mqtt\.cert_file is not given"):
        MqttConfig(url="mqtts://localhost", key_file=Path("x.key"))
