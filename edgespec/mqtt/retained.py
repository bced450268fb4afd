"""What a broker keeps on some topics, gathered once."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session

__all__ = ["empty_retained", "gather_retained"]

_QUIET_S = 0.3
#: A broker that does not answer for so long will not.
_ANSWER_S = 5.0


def gather_retained(
    settings: MqttConfig, topics: Sequence[str], longest_s: float = 2.0
) -> dict[str, bytes]:
    """Return what is said on topics: all that comes until nothing came for a moment.

    Raises:
        ConfigError: the broker's URL cannot be used.
        BrokerError: the broker cannot be reached, or refuses.
    """
    found: dict[str, bytes] = {}
    heard_s = 0.0

    def hear(topic: str, data: bytes) -> None:
        nonlocal heard_s
        if topic not in found:
            heard_s = time.monotonic()
        found[topic] = data

    link = _link(settings, "status")
    with Session(link) as session:
        session.listen(hear)
        session.ask(topics, qos=1)
        _wait(session, lambda: bool(session.asked), f"{link.url} does not answer")
        # Only now silence says something: the way to a broker may take longer than a moment.
        heard_s = time.monotonic()
        until_s = heard_s + longest_s
        while time.monotonic() < min(until_s, heard_s + _QUIET_S):
            session.poll(None, 0.05)
    return {topic: data for topic, data in found.items() if data}


def empty_retained(settings: MqttConfig, topics: Sequence[str]) -> None:
    """Let a broker keep nothing on topics; whoever listens to them hears an empty message.

    Raises:
        ConfigError: the broker's URL cannot be used.
        BrokerError: the broker cannot be reached, or does not let this user do so.
    """
    if not topics:
        return
    link = _link(settings, "forget")
    with Session(link) as session:
        for topic in topics:
            session.publish(topic, b"", 1, retain=True)
        what = f"{link.url} does not confirm that {topics[0]} is emptied"
        _wait(session, lambda: bool(session.unacked), what)


def _link(settings: MqttConfig, name: str) -> Link:
    return Link.of(replace(settings, protocol="5"), f"edgespec-{name}-{uuid.uuid4().hex[:8]}")


def _wait(session: Session, is_waiting: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + _ANSWER_S
    while is_waiting():
        if time.monotonic() > until_s:
            raise BrokerError(f"the broker {what}")
        session.poll(None, 0.05)
