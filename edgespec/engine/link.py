"""How to reach an engine, and what it is asked to have."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from edgespec.config import MqttConfig
from edgespec.engine.url import EngineUrl
from edgespec.mqtt.link import tls_of

__all__ = ["CONNECT_S", "Arguments", "EngineLink", "Plan"]

#: How long a node is waited for.
CONNECT_S = 5.0

#: Of a queue, by their names.
Arguments = dict[str, str | int | bool]

#: A node that hangs is left after twice this, as then its partitions go to other units.
_HEARTBEAT_S = 10.0
#: What RabbitMQ lets in from its own machine, and from nowhere else.
_GUEST = "guest"


@dataclass(frozen=True, slots=True)
class EngineLink:
    """How to reach an engine, and as whom."""

    url: EngineUrl
    name: str
    username: str
    password: str
    tls: ssl.SSLContext | None
    heartbeat_s: float

    @classmethod
    def of(cls, text: str, settings: MqttConfig, name: str) -> "EngineLink":
        """Return the way to an engine; the URL's user is first choice, that of ``[mqtt]`` second.

        Raises:
            ConfigError: the URL or a file of certificates or keys cannot be used.
        """
        url = EngineUrl.parse(text)
        has_own = url.username is not None
        username = url.username if has_own else settings.username
        password = url.password if has_own else settings.password
        return cls(
            url,
            name,
            _GUEST if username is None else username,
            (_GUEST if username is None else "") if password is None else password,
            tls_of(settings) if url.tls else None,
            min(settings.keepalive_s, _HEARTBEAT_S),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Queues with their arguments, and (queue, topic) whose messages go into them.

    ``+`` in a topic stands for one level.
    """

    queues: Mapping[str, Arguments]
    bindings: tuple[tuple[str, str], ...]
