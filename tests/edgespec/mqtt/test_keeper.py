"""The one state machine of a link: what it does where its owner fails."""

import pytest

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.mqtt.keeper import LinkKeeper
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from tests.made.broker import Broker, wait_for

PATIENCE_S = 10.0


def test_a_session_that_cannot_be_begun_is_closed_and_another_sought(broker: Broker) -> None:
    begun: list[Session] = []

    def begin(session: Session) -> None:
        begun.append(session)
        if len(begun) == 1:
            raise BrokerError("not yet")

    failures: list[str] = []

    def fail() -> str:
        failures.append(str(keeper.failure))
        return "all waits, "

    keeper = LinkKeeper(Link.of(MqttConfig(url=broker.url), "keeper"), 0.05, begin, fail)
    keeper.wait_connected(PATIENCE_S)
    assert failures == ["not yet"]
    assert keeper.session is begun[1]
    with pytest.raises(BrokerError):
        begun[0].poll(None, 0.0)
    keeper.close(lambda session: None)
    with pytest.raises(BrokerError):
        begun[1].poll(None, 0.0)


def test_work_that_fails_loses_the_session_and_no_session_is_no_failure(broker: Broker) -> None:
    def refuse(session: Session) -> None:
        raise BrokerError("no more")

    keeper = LinkKeeper(Link.of(MqttConfig(url=broker.url), "keeper"), 60.0, lambda _: None, str)
    keeper.work(refuse)
    assert keeper.failure is None
    keeper.wait_connected(PATIENCE_S)
    keeper.work(refuse)
    assert keeper.session is None
    assert str(keeper.no_session(1.0)) == "no more"
    keeper.hurry()
    keeper.wait_connected(PATIENCE_S)
    keeper.close(refuse)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_o2_a_clash_of_client_ids_is_named(broker: Broker, protocol: str) -> None:
    settings = MqttConfig(url=broker.url, protocol=protocol)
    keepers = [LinkKeeper(Link.of(settings, "pi-1"), 0.05, lambda _: None, str) for _ in range(2)]
    said: list[str] = []

    def is_named() -> bool:
        for keeper in keepers:
            keeper.step(0.01)
            said.append(str(keeper.failure))
        return any("client id 'pi-1'" in text and "node.id" in text for text in said)

    wait_for(is_named, "the clash is named")
    for keeper in keepers:
        keeper.close(lambda _: None)


def test_c5_the_broker_keeps_what_is_too_long(broker: Broker) -> None:
    """A packet above the size in CONNECT is never sent, and so never read or parsed."""
    heard: list[int] = []
    ends = [Session(Link.of(MqttConfig(url=broker.url, protocol="5"), name)) for name in "ab"]
    with ends[0] as sender, ends[1] as reader:
        reader.subscribe("x", lambda data: heard.append(len(data)))
        sizes = [10, 10_000_000, 20]
        for size in sizes:
            sender.publish("x", bytes(size), 1)
        wait_for(lambda: not sender.poll(None, 0.01) and not sender.unacked, "all is sent")
        wait_for(lambda: not reader.poll(None, 0.01) and len(heard) >= 2, "the short ones")
    assert heard == [10, 20]
