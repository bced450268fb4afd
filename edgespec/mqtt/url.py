"""The address of a broker as people write it: ``mqtt://[user:password@]host[:port]``."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from edgespec.errors import ConfigError

__all__ = ["BrokerUrl"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """Host, port, TLS or not, and who knocks. The password never shows in text."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "BrokerUrl":
        """Return the parts of a URL; user name and password may be percent-encoded.

        Raises:
            ConfigError: another scheme, no host, a bad port, or a path.
        """
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _refused(text, str(error)) from None
        if parts.scheme not in _PORTS:
            raise _refused(text, f"its scheme is not one of {sorted(_PORTS)}")
        if not host:
            raise _refused(text, "it has no host")
        if port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise _refused(text, "only a port from 1 to 65535 may follow the host")
        return cls(
            host,
            port or _PORTS[parts.scheme],
            parts.scheme == "mqtts",
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def _refused(text: str, reason: str) -> ConfigError:
    scheme, _, rest = text.rpartition("://")
    shown = f"{scheme}://{'...@' if '@' in rest else ''}{rest.rpartition('@')[2]}"
    return ConfigError(
        f"the broker's URL is {shown!r}: {reason}; write mqtt://[user:password@]host[:port], "
        "or mqtts:// for TLS"
    )
