"""The address of an engine: ``amqp://[user:password@]host[:port],host[:port][/vhost]``."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from edgespec.errors import ConfigError

__all__ = ["EngineUrl"]

_PORTS = {"amqp": 5672, "amqps": 5671}
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
#: A host of those that stand before the last @: another host, or a vhost, follows it.
_BEHIND_HOST = re.compile(r"@[^@,/]+[,/]")
_FORM = "amqp://[user:password@]host[:port][,host[:port]...][/vhost], or amqps:// for TLS"
_ENCODED = "in user, password and vhost write / @ , : as %2F %40 %2C %3A"


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """Any node of the cluster, TLS or not, and who knocks. The password never shows in text."""

    hosts: tuple[tuple[str, int], ...]
    tls: bool
    vhost: str = "/"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "EngineUrl":
        """Return the parts of a URL; user, password and vhost may be percent-encoded.

        Raises:
            ConfigError: another scheme, no host, or a bad port.
        """
        scheme, mark, rest = text.strip().partition("://")
        scheme = scheme.lower()
        if scheme in ("mqtt", "mqtts"):
            raise ConfigError(
                f"the engine's URL begins with {scheme}://, which is a broker's: name RabbitMQ's "
                f"own port with {_FORM}; observers go on with {scheme}://"
            )
        if not mark or scheme not in _PORTS:
            known = " or ".join(f"{name}://" for name in _PORTS)
            raise ConfigError(f"the engine's URL does not begin with {known}: write {_FORM}")
        user, at, place = rest.rpartition("@")
        if _BEHIND_HOST.search(user):
            raise ConfigError(
                "the engine's URL has an @ behind its first host: user and password stand once, "
                f"before all hosts: write {_FORM}; {_ENCODED}"
            )
        places, _, vhost = place.partition("/")
        hosts = tuple(_place(part, _PORTS[scheme]) for part in places.split(","))
        name, colon, password = user.partition(":")
        return cls(
            hosts,
            scheme == "amqps",
            unquote(vhost) or "/",
            unquote(name) if at else None,
            unquote(password) if colon else None,
        )

    def __str__(self) -> str:
        places = ",".join(
            f"[{host}]:{n}" if ":" in host else f"{host}:{n}" for host, n in self.hosts
        )
        return f"{'amqps' if self.tls else 'amqp'}://{places}"


def _place(text: str, port: int) -> tuple[str, int]:
    """Return host and port; what cannot be one is not shown, as it may be part of a password."""
    found = _PLACE.fullmatch(text)
    number = int(found[2]) if found and found[2] else port
    if found is None or not 1 <= number <= 65535:
        raise ConfigError(
            "a host of the engine's URL is none, or its port is not from 1 to 65535: write "
            f"{_FORM}; {_ENCODED}"
        )
    return found[1].strip("[]"), number
