"""The one state machine of a link: what it does where its owner fails."""

import pytest

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.mqtt.keeper import LinkKeeper
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from tests.made.broker import Broker

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
