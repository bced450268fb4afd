"""Which observers are silent, by what a broker keeps of them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.observer_state import ObserverState
from edgespec.ops.observers import judged
from edgespec.port import free_port
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode
from tests.made.broker import Broker

NS = 1_000_000_000
NOW_NS = 1_768_809_600 * NS
STATE = ObserverState(NOW_NS - 10 * NS, 7200.0, 2, 3, 4, 5, band="lte")


def said(
    node: str = "pi-1", availability: bytes | None = b"online", **fields: Any
) -> dict[str, bytes]:
    """Return what a broker keeps of an observer."""
    state = encode(state_payload(replace(STATE, **fields), node))
    found = {f"home/edgespec/{node}/state": state}
    return found | (
        {} if availability is None else {f"home/edgespec/{node}/availability": availability}
    )


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (said(), ""),
        (said(availability=None), ""),
        (said(availability=b"offline"), "it is offline"),
        (said(utc_ns=NOW_NS - 3600 * NS), "its last state is 60 min old"),
        (said(uptime_s=26 * 3600.0), "it has not found its test tone for 26.0 h"),
        (said(last_test_ns=NOW_NS - 24 * 3600 * NS, uptime_s=1e7), ""),
        (said(last_test_ns=NOW_NS - 50 * 3600 * NS), "it has not found its test tone for 50.0 h"),
        ({"edgespec/pi-1/availability": b"online"}, "it has not said how it is"),
        ({"edgespec/pi-1/state": b"[" * 9999}, "its state cannot be read ("),
        # A clock that runs ahead is no silence.
        (said(utc_ns=NOW_NS + 3600 * NS), ""),
    ],
)
def test_what_is_silent_says_why(kept: dict[str, bytes], why: str) -> None:
    (seen,) = judged(kept, 60.0, 25.0, NOW_NS)
    assert seen.node == "pi-1"
    assert seen.why.startswith(why)
    assert bool(seen.why) == bool(why)


def test_who_does_not_mind_tests_sees_none_missing() -> None:
    (seen,) = judged(said(uptime_s=1e9), 60.0, 0.0, NOW_NS)
    assert seen.why == ""


def test_the_command_lists_all_and_fails_where_one_is_silent(broker: Broker) -> None:
    kept = said("pi-1", uptime_s=1.0) | said("pi-2", b"offline")
    with Session(Link.of(MqttConfig(url=broker.url), "test")) as session:
        for topic, data in kept.items():
            session.publish(topic.removeprefix("home/"), data, qos=1, retain=True)
        while session.unacked:
            session.poll(None, 0.1)
    done = CliRunner().invoke(
        main, ["observers", "--mqtt", broker.url, "--within", "1e9", "--json"]
    )
    assert done.exit_code == 7
    told = {one["node"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert {node: one["silent"] for node, one in told.items()} == {"pi-1": False, "pi-2": True}
    assert told["pi-1"]["last_state"] == "2026-01-19T07:59:50.000000Z"
    shown = CliRunner().invoke(main, ["observers", "--mqtt", broker.url, "--within", "1e9"])
    assert "SILENT: it is offline" in shown.output
    assert "silent: pi-2" in shown.output


def test_without_a_broker_it_says_what_to_do() -> None:
    assert CliRunner().invoke(main, ["observers"]).exit_code == 3
    away = CliRunner().invoke(main, ["observers", "--mqtt", f"mqtt://127.0.0.1:{free_port()}"])
    assert away.exit_code == 6
