"""Where a server listens: a host and a port in one text."""

import ipaddress
from typing import Any

__all__ = ["host_and_port", "is_loopback", "listens_at"]


def listens_at(example: str) -> dict[str, Any]:
    """Return the bounds of an option that is such an address."""
    return {
        "pattern": r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}",
        "pattern_text": f"HOST:PORT, such as {example}",
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
