"""What a broker keeps on some topics, gathered once."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session

__all__ = ["gather_retained"]

_QUIET_S = 0.3


def gather_retained(
    settings: MqttConfig, topics: Sequence[str], longest_s: float = 2.0
) -> dict[str, bytes]:
    """Return what is said on topics: all that comes until nothing came for a moment.

    Raises:
        ConfigError: the broker's URL cannot be used.
        BrokerError: the broker cannot be reached, or refuses.
    """
    found: dict[str, bytes] = {}
    heard_s = time.monotonic()

    def hear(topic: str, data: bytes) -> None:
        nonlocal heard_s
        if topic not in found:
            heard_s = time.monotonic()
        found[topic] = data

    link = Link.of(replace(settings, protocol="5"), f"edgespec-status-{uuid.uuid4().hex[:8]}")
    with Session(link) as session:
        session.listen(hear)
        session.ask(topics, qos=1)
        until_s = time.monotonic() + longest_s
        while time.monotonic() < min(until_s, heard_s + _QUIET_S):
            session.poll(None, 0.05)
    return {topic: data for topic, data in found.items() if data}
