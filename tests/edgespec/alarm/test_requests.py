"""Requests over a real mosquitto: answered where they are allowed, and no harm to the alarms."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edgespec.alarm.mqtt import MqttSink
from edgespec.alarm.outbox.requests import Requests
from edgespec.alarm.outbox.spool import Spool
from edgespec.alerts.actions import Actions
from edgespec.alerts.inbox import Inbox
from edgespec.config import MqttConfig
from edgespec.errors import BrokerError, ConfigError, UsageError
from edgespec.mqtt.asking import ask_observer
from edgespec.records import EventType
from edgespec.wire.event import parse_event
from edgespec.wire.request import Request
from edgespec.wire.topics import Topics
from tests.made.broker import PATIENCE_S, Broker, Listener, wait_for
from tests.made.event import event_of

NODE = "pi-1"
Answer = Callable[[str, bytes], bytes | None]


@pytest.fixture
def asker(broker: Broker, stack: ExitStack) -> Client:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    stack.callback(client.loop_stop)
    stack.callback(client.disconnect)
    return client


def ask(client: Client, command: str, data: bytes, *, retain: bool = False) -> None:
    topic = f"edgespec/{NODE}/request/{command}"
    client.publish(topic, data, qos=1, retain=retain).wait_for_publish(PATIENCE_S)


def observer(broker: Broker, stack: ExitStack, folder: Path, answer: Answer | None) -> MqttSink:
    settings = MqttConfig(url=broker.url, keepalive_s=3600.0, reconnect_max_s=0.3)
    sink = MqttSink(settings, NODE, ["r"], ["lte"], {}, Spool(folder / "spool", 100_000), answer)
    stack.callback(sink.close)
    assert sink.wait_connected(PATIENCE_S)
    return sink


def inbox(folder: Path) -> Inbox:
    return Inbox(Actions(folder, ["lte"]))


def echo(command: str, data: bytes) -> bytes:
    return command.encode() + b":" + data


def responses(listener: Listener) -> list[bytes]:
    return [data for topic, data, _ in list(listener.heard) if "/response/" in topic]


def test_a_request_is_answered_and_kept(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, asker: Client
) -> None:
    observer(broker, stack, tmp_path, inbox(tmp_path).answer)
    wait_for(lambda: b"request/+" in broker._log.read_bytes(), "the subscription")
    ask(asker, "mute", b'{"transaction": "t-1", "kind": "tone", "duration_s": 60}')
    wait_for(lambda: len(listener.on("response/mute")) == 1, "the response")
    said = json.loads(listener.on("response/mute")[0])
    assert (said["transaction"], said["status"]) == ("t-1", "ok")
    ask(asker, "undo", b"")
    wait_for(lambda: len(listener.on("response/undo")) == 1, "the response")
    assert json.loads(listener.on("response/undo")[0])["data"] == {"undone": said["data"]["id"]}


def test_without_permission_nothing_is_subscribed_to(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, asker: Client
) -> None:
    sink = observer(broker, stack, tmp_path, None)
    ask(asker, "mute", b'{"kind": "tone"}')
    sink.event(event_of())
    wait_for(lambda: len(listener.on("/events")) == 1, "an event")
    sink.close()
    assert responses(listener) == []
    assert b"request/+" not in broker._log.read_bytes()


def test_a_request_that_the_broker_has_kept_is_none(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, asker: Client
) -> None:
    """It would be done again after every outage, whatever was undone meanwhile."""
    ask(asker, "mute", b"old", retain=True)
    observer(broker, stack, tmp_path, echo)
    wait_for(lambda: b"request/+" in broker._log.read_bytes(), "the subscription")
    ask(asker, "mute", b"new")
    wait_for(lambda: responses(listener) == [b"mute:new"], "one response")


def test_a_flood_of_requests_holds_up_no_alarm(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path, asker: Client
) -> None:
    sink = observer(broker, stack, tmp_path, inbox(tmp_path).answer)
    wait_for(lambda: b"request/+" in broker._log.read_bytes(), "the subscription")
    n_events = 50
    for number in range(2000):
        asker.publish(f"edgespec/{NODE}/request/mute", b"\xff" * 900, qos=number % 2)
        if number % (2000 // n_events) == 0:
            sink.event(event_of(event_id=f"e{number}", event_type=EventType.UPDATE))
    wait_for(lambda: len(listener.on("/events")) == n_events, "every event")
    sequences = [parse_event(data).sequence for data in listener.on("/events")]
    assert sequences == sorted(sequences)
    assert sink.problem is None
    assert len(responses(listener)) < 500


@pytest.mark.parametrize("topic", ["a/b", "", "\u00e4", "x" * 40, "a1"])
def test_a_command_is_a_plain_word(topic: str) -> None:
    asked = []
    requests = Requests(Topics("edgespec", NODE, (), ()), lambda *one: asked.append(one))
    requests._hear(f"edgespec/{NODE}/request/{topic}", b"")
    requests._hear(f"edgespec/{NODE}/request/mute", b"x" * 100_000)
    for number in range(1000):
        requests._hear(f"edgespec/{NODE}/request/mute", str(number).encode())

    class Quiet:
        refused: tuple[str, ...] = ()

    requests.serve(Quiet())
    assert [data for _, data in asked] == [str(number).encode() for number in range(32)]


def test_a_broker_that_refuses_the_subscription_costs_the_requests_alone(caplog) -> None:
    requests = Requests(Topics("edgespec", NODE, (), ()), echo)

    class Refusing:
        refused = ("edgespec/pi-1/request/+",)

    for _ in range(3):
        requests.serve(Refusing())
    assert len(caplog.records) == 1
    assert "mqtt.requests = false" in caplog.text


def test_asking_an_observer_from_elsewhere(
    broker: Broker, stack: ExitStack, tmp_path: Path
) -> None:
    observer(broker, stack, tmp_path, inbox(tmp_path).answer)
    wait_for(lambda: b"request/+" in broker._log.read_bytes(), "the subscription")
    settings = MqttConfig(url=broker.url)
    answer = ask_observer(settings, NODE, Request("mute", band="lte"), PATIENCE_S)
    assert answer["band"] == "lte"
    found = ask_observer(settings, NODE, Request("silenced"), PATIENCE_S)
    assert found["mutes"] == [answer]
    with pytest.raises(UsageError, match="'gsm' is not there"):
        ask_observer(settings, NODE, Request("mute", band="gsm"), PATIENCE_S)
    with pytest.raises(BrokerError, match=r"'pi-2' does not answer.*mqtt.requests = true"):
        ask_observer(settings, "pi-2", Request("silenced"), 0.2)
    with pytest.raises(ConfigError, match="no broker is named"):
        ask_observer(replace(settings, url=None), NODE, Request("silenced"))
