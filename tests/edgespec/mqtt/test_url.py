"""The address of a broker as people write it, and whose certificates it is trusted by."""

import ssl
import subprocess
from pathlib import Path

import pytest

from edgespec.config import MqttConfig
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
        ("mqtt://pi:p@ss@host", BrokerUrl("host", 1883, False, "pi", "p@ss")),
        # O11: the meaning is plain.
        ("localhost", BrokerUrl("localhost", 1883, False)),
        ("broker.example:1884", BrokerUrl("broker.example", 1884, False)),
        ("[::1]", BrokerUrl("::1", 1883, False)),
        ("pi:word@10.0.0.1", BrokerUrl("10.0.0.1", 1883, False, "pi", "word")),
    ],
)
def test_urls(text: str, expected: BrokerUrl) -> None:
    assert BrokerUrl.parse(text) == expected
    assert BrokerUrl.parse(str(expected)).port == expected.port


@pytest.mark.parametrize(
    "text",
    ["", ":1883", "localhost:x", "http://host", "mqtt://", "mqtt://host:0",
     "mqtt://host:99999", "mqtt://host:port", "mqtt://host/topic", "mqtt://host?x=1",
     "mqtt://ho st", "mqtt://ho\nst", "mqtt://user:secret@host:port", "tcp://user:secret@host", "mqtt://[::1"],
)  # fmt: skip
def test_bad_urls_are_explained_without_their_password(text: str) -> None:
    with pytest.raises(ConfigError, match=r"write mqtt://\[user:password@\]host") as caught:
        BrokerUrl.parse(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("sign", ["#", "/", "?", "[", "]", "\n", "\t", "\0"])
@pytest.mark.parametrize("scheme", ["mqtt://", "mqtts://", "", "http://"])
@pytest.mark.parametrize("end", ["@h", "@h:1883", "@[::1]", "@h/x", "", ":1883"])
def test_o3_no_part_of_a_password_is_shown(sign: str, scheme: str, end: str) -> None:
    text = f"{scheme}u:left{sign}right{end}"
    with pytest.raises(ConfigError) as caught:
        BrokerUrl.parse(text)
    for shown in (str(caught.value), repr(MqttConfig(url=text))):
        assert "left" not in shown
        # Behind a password without its host nothing says where it ends.
        assert "right" not in shown
    assert f"%{ord(sign):02X}" in str(caught.value)


def test_a_url_does_not_show_its_password() -> None:
    url = BrokerUrl.parse("mqtt://pi:secret@host")
    assert "secret" not in f"{url} {url!r}"


@pytest.mark.parametrize(
    "text",
    ["u:left://right@h", "u:left://h", "mqtt://h?password=left", "mqtt://h#left", "h?left"],
)
def test_o3_nothing_that_may_be_a_password_is_shown_either(text: str) -> None:
    """A password with ``://`` in it where no scheme is given, and one in a query."""
    with pytest.raises(ConfigError) as caught:
        BrokerUrl.parse(text)
    for shown in (str(caught.value), repr(MqttConfig(url=text)), MqttConfig(url=text).public_url):
        assert "left" not in str(shown)


def test_o11_a_scheme_in_capitals_is_one() -> None:
    assert BrokerUrl.parse("MQTTS://Host") == BrokerUrl.parse("mqtts://host")


def test_o4_a_private_authority_needs_no_key_identifiers(tmp_path: Path) -> None:
    """Python 3.13 asks for them by default, and says no more than 'not trusted'."""
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout k.pem -out c.pem"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    strict = ssl.create_default_context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", lambda cafile=None: strict)
        assert not tls_context(tmp_path / "c.pem").verify_flags & ssl.VERIFY_X509_STRICT
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        assert tls_context(None).verify_flags & ssl.VERIFY_X509_STRICT


def test_the_default_certificates_are_the_systems() -> None:
    assert tls_context(None).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("host", ["\U0010ffff" * 80, "\0" * 80, "'\\" * 40, "h\n" * 200])
def test_f6_whatever_stands_for_a_host_the_message_is_a_short_line(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BrokerUrl.parse(f"other://{host}")
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()
