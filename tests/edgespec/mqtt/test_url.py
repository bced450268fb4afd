"""The address of a broker as people write it, and whose certificates it is trusted by."""

import ssl

import pytest

from edgespec.errors import ConfigError
from edgespec.mqtt.link import tls_context
from edgespec.mqtt.url import BrokerUrl


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mqtt://localhost", BrokerUrl("localhost", 1883, False)),
        ("mqtts://broker.example", BrokerUrl("broker.example", 8883, True)),
        ("mqtt://10.0.0.1:18830/", BrokerUrl("10.0.0.1", 18830, False)),
        ("mqtt://[::1]:1884", BrokerUrl("::1", 1884, False)),
        ("mqtt://pi:p%40ss%2F@host", BrokerUrl("host", 1883, False, "pi", "p@ss/")),
    ],
)
def test_urls(text: str, expected: BrokerUrl) -> None:
    assert BrokerUrl.parse(text) == expected
    assert BrokerUrl.parse(str(expected)).port == expected.port


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "localhost:1883", "http://host", "mqtt://", "mqtt://host:0",
     "mqtt://host:99999", "mqtt://host:port", "mqtt://host/topic", "mqtt://host?x=1",
     "mqtt://user:secret@host:port", "tcp://user:secret@host", "mqtt://[::1"],
)  # fmt: skip
def test_bad_urls_are_explained_without_their_password(text: str) -> None:
    with pytest.raises(ConfigError, match=r"write mqtt://\[user:password@\]host") as caught:
        BrokerUrl.parse(text)
    assert "secret" not in str(caught.value)


def test_a_url_does_not_show_its_password() -> None:
    url = BrokerUrl.parse("mqtt://pi:secret@host")
    assert "secret" not in f"{url} {url!r}"


def test_the_default_certificates_are_the_systems() -> None:
    assert tls_context(None).verify_mode is ssl.CERT_REQUIRED
