"""What is said on some topics of an engine, gathered for a while."""

import time
import uuid
from collections.abc import Sequence

from edgespec.config import MqttConfig
from edgespec.engine.line import Line
from edgespec.engine.link import EngineLink, Plan
from edgespec.errors import BrokerError

__all__ = ["gather_heard", "say"]

_QUIET_S = 10.0


def gather_heard(
    url: str, settings: MqttConfig, topics: Sequence[str], longest_s: float
) -> dict[str, bytes]:
    """Return the last that is said on each topic within a time; nothing is kept from before.

    Raises:
        ConfigError: the URL cannot be used.
        BrokerError: the engine cannot be reached, or refuses.
    """
    found: dict[str, bytes] = {}
    line = _connected(url, settings)
    try:
        for topic in topics:
            line.listen(topic, found.__setitem__)
        until_s = time.monotonic() + longest_s
        while (left_s := until_s - time.monotonic()) > 0:
            line.poll(None, min(left_s, 0.2))
    finally:
        line.close()
    return {topic: data for topic, data in found.items() if data}


def say(url: str, settings: MqttConfig, topic: str, data: bytes) -> None:
    """Say something on a topic, and wait until the engine has it.

    Raises:
        ConfigError: the URL cannot be used.
        BrokerError: the engine cannot be reached, or refuses.
    """
    line = _connected(url, settings)
    try:
        line.publish(topic, data, 1)
        until_s = time.monotonic() + _QUIET_S
        while line.unacked and time.monotonic() < until_s:
            line.poll(None, 0.1)
        if line.unacked:
            raise BrokerError(f"the engine {line.url} does not confirm what is said on {topic}")
    finally:
        line.close()


def _connected(url: str, settings: MqttConfig) -> Line:
    line = Line(EngineLink.of(url, settings, f"edgespec-{uuid.uuid4().hex[:8]}"), Plan({}, ()))
    try:
        line.connect()
    except BaseException:
        line.close()
        raise
    return line
