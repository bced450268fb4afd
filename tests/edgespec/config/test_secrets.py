"""Secrets of a configuration, by what its options say of themselves."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edgespec.config import Config, MqttConfig, SourceConfig
from edgespec.config.secrets import HIDDEN, public_tables, secrets_of
from edgespec.decode.kind import kinds_of
from edgespec.option import Option, key_of, option_of
from tests.made.secret_config import MARK, marked_config


def options(record: type[Any] = Config, path: str = "") -> Iterator[tuple[str, Option, Any]]:
    """Yield every option of a configuration with its key and its kind."""
    for field in fields(record):
        kind = kinds_of(record)[key_of(field)]
        if kind.table is not None:
            yield from options(kind.table, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", option_of(field), kind


def test_what_sounds_like_a_secret_is_one() -> None:
    """Whoever adds such an option must say what it is."""
    sounding = ("password", "passphrase", "token", "secret", "key_file", "cert_file", "command")
    said = {path: option.secret or option.holds_secret for path, option, _ in options()}
    assert [path for path in said if path.endswith(sounding) and not said[path]] == []
    # A broker's and a webhook's address may have a password, or be one.
    assert said["mqtt.url"]
    assert said["notify.url"]


def test_what_holds_a_secret_is_a_path() -> None:
    for path, option, kind in options():
        assert not option.holds_secret or kind.base is Path, path


def test_every_secret_is_known_and_none_is_public(tmp_path: Path) -> None:
    config, marks = marked_config(tmp_path)
    assert len(marks) >= 6
    found = secrets_of(config).all_texts()
    for mark in marks:
        assert any(mark in text for text in found), mark
    assert MARK not in str(public_tables(config))


def test_what_is_public_is_there() -> None:
    config = Config(
        source=(SourceConfig(uri="rtl_tcp://user:pw@host:1?gain=3", gain_db=20.0),),
        mqtt=MqttConfig(url="mqtt://u:p@h", username="pi"),
    )
    tables = public_tables(config)
    assert tables["source"] == [
        {"id": "radio0", "uri": f"rtl_tcp://{HIDDEN}@host:1?gain=3", "gain_db": 20.0, "ppm": 0.0}
    ]
    assert tables["mqtt"]["url"] == HIDDEN
    assert tables["mqtt"]["username"] == "pi"
    assert "password" not in tables["mqtt"]


def test_the_parts_of_an_address_are_secrets_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGESPEC_MQTT_PASSWORD", "from outside")
    texts = secrets_of(Config(mqtt=MqttConfig(url="mqtts://pi:a%20b%2F@host"))).texts
    assert {"pi", "a b/", "pi:a%20b%2F", "from outside"} <= texts


def test_a_file_that_nobody_can_read_costs_nothing(tmp_path: Path) -> None:
    config = Config(mqtt=MqttConfig(url="mqtt://h", password_file=tmp_path / "absent"))
    assert secrets_of(config).all_texts() >= {"mqtt://h"}
