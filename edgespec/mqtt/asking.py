"""Asking an observer over its broker."""

import time
import uuid
from dataclasses import replace
from typing import Any

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError, ConfigError, UsageError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.wire.request import Request, Response, encode_request, parse_response
from edgespec.wire.text import PayloadError
from edgespec.wire.topics import Topics

__all__ = ["ask_observer"]


def ask_observer(
    settings: MqttConfig, node: str, request: Request, longest_s: float = 10.0
) -> dict[str, Any]:
    """Return what an observer says to a request.

    Raises:
        ConfigError: no broker is named, or its URL or the node cannot be used.
        UsageError: the observer says that it cannot be done.
        BrokerError: the broker cannot be reached, or nobody answers.
    """
    if settings.url is None:
        raise ConfigError("--node was given but no broker is named: add --mqtt URL or mqtt.url")
    topics = Topics(settings.topic_prefix, node, (), ())
    name = uuid.uuid4().hex[:16]
    heard: list[Response] = []

    def hear(data: bytes) -> None:
        try:
            response = parse_response(data)
        except PayloadError:
            return
        if response.transaction == name and not response.is_accepted:
            heard.append(response)

    with Session(Link.of(settings, f"edgespec-ask-{name}")) as session:
        session.subscribe(topics.response(request.command), hear)
        asked = encode_request(replace(request, transaction=name))
        session.publish(topics.request(request.command), asked, qos=1)
        until_s = time.monotonic() + longest_s
        while not heard and time.monotonic() < until_s:
            session.poll(None, 0.1)
    if not heard:
        raise BrokerError(
            f"the observer {node!r} does not answer: does it run with mqtt.requests = true, and "
            "may it read, and you write, below its topic request?"
        )
    if heard[0].error:
        raise UsageError(heard[0].error)
    return heard[0].data
