"""A subscription that is refused: of what is vital, the link ends; of what is not, nothing does."""

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edgespec.config import MqttConfig
from edgespec.mqtt.link import BrokerRefusedError, Link
from edgespec.mqtt.session import Session


@pytest.mark.parametrize("is_vital", [True, False])
def test_a_refused_subscription(is_vital: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Link.of(MqttConfig(url="mqtt://127.0.0.1:1"), "test"))
    monkeypatch.setattr(session._client, "subscribe", lambda topics: (0, 7))
    monkeypatch.setattr(session, "_poll", lambda *_: None)
    session.ask(["a/request/+"], is_vital=is_vital)
    refused = ReasonCode(PacketTypes.SUBACK, "Not authorized")
    session._on_subscribe(session._client, None, 7, [refused], None)
    if is_vital:
        with pytest.raises(BrokerRefusedError, match=r"refuses the subscription to 'a/request/\+'"):
            session.poll(None, 0.0)
        assert session.refused == []
    else:
        session.poll(None, 0.0)
        assert session.refused == ["a/request/+"]
