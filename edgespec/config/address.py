"""Where a server listens: a host and a port in one text."""

import ipaddress
from typing import Any

__all__ = ["host_and_port", "is_loopback", "listens_at"]


#: 0 to 65535: of a greater one, the remainder would be listened at.
_PORT = r"(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|\d{1,4})"


def listens_at(example: str) -> dict[str, Any]:
    """Return the bounds of an option that is such an address."""
    return {
        "pattern": r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):" + _PORT,
        "pattern_text": f"HOST:PORT, such as {example}, with a port of at most 65535",
        "example": example,
    }


def host_and_port(address: str) -> tuple[str, int]:
    """Return the host of an address, without brackets, and its port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Return whether nobody but this machine reaches a host; of names only ``localhost``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
