"""The address of a broker as people write it: ``mqtt://[user:password@]host[:port]``."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from edgespec.door import brief
from edgespec.errors import ConfigError

__all__ = ["BrokerUrl"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
#: They end the part with user and password, so in there they are written as %23 and the like.
_ENDING = "/?#[]"
#: What may be shown of an address: a host, and a port or none. Anything else may be a password.
_SHOWN = re.compile(r"(?:\[[0-9A-Fa-f:.]*\]|[\w.-]*)(?::\d*)?")
#: ... and of what stands before ``://``, which may be a part of a password as well.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


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

        Without a scheme, as in ``localhost`` or ``10.0.0.1:1884``, it is ``mqtt://``; capital
        letters are as good.

        Raises:
            ConfigError: another scheme, no host, a bad port, or a path.
        """
        text = text.strip()
        scheme, _, rest = text.partition("://") if "://" in text else ("mqtt", "", text)
        scheme = scheme.lower()
        user, _, place = rest.rpartition("@")
        # Signs that cannot be shown urlsplit may leave out without a word.
        odd = [sign for sign in user if sign in _ENDING or not sign.isprintable()]
        if odd:
            sign = odd[0] if odd[0].isprintable() else "sign that cannot be shown"
            raise _refused(
                scheme,
                rest,
                f"its user name or password has a {sign}, which is written as {quote(odd[0], '')}"
                " there",
            )
        odd = [sign for sign in place if sign == " " or not sign.isprintable()]
        if odd:
            raise _refused(
                scheme,
                rest,
                "its host has a space or a sign that cannot be shown, which is written as "
                f"{quote(odd[0], '')} in a password",
            )
        try:
            parts = urlsplit(f"{scheme}://{rest}")
            host, port = parts.hostname, parts.port
        except ValueError:
            # Its words would show what stands for the port, which may be a part of a password.
            raise _refused(scheme, rest, "its host or its port is none") from None
        if scheme not in _PORTS:
            raise _refused(scheme, rest, f"its scheme is not one of {sorted(_PORTS)}")
        if not host:
            raise _refused(scheme, rest, "it has no host")
        if port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise _refused(scheme, rest, "only a port from 1 to 65535 may follow the host")
        return cls(
            host,
            port or _PORTS[scheme],
            scheme == "mqtts",
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def _refused(scheme: str, rest: str, reason: str) -> ConfigError:
    _, mark, address = rest.rpartition("@")
    place = address.rstrip("/")
    if not _SHOWN.fullmatch(place):
        place = "..."
    if not _SCHEME.fullmatch(scheme):
        scheme = "..."
    shown = f"{scheme}://{'...@' if mark else ''}{place}"
    return ConfigError(
        f"the broker's URL is '{brief(shown)}': {reason}; write "
        "mqtt://[user:password@]host[:port], or mqtts:// for TLS; in user and password write "
        "# / ? [ ] @ as %23 %2F %3F %5B %5D %40"
    )
