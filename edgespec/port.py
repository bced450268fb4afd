"""Ports of this machine that nobody listens on."""

import random
import socket

from edgespec.errors import EdgespecError

__all__ = ["free_port"]

#: Below where Linux takes the ports of outgoing connections from: one of those could have it before
#: whoever asked listens there.
_FIRST, _LAST = 10_000, 32_767
_TRIES = 1000
_GIVEN: set[int] = set()
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """Return a port of the loopback for a server that is started next; each is given once.

    Raises:
        EdgespecError: a thousand are in use.
    """
    for _ in range(_TRIES):
        port = _CHANCE.randint(_FIRST, _LAST)
        if port in _GIVEN:
            continue
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        _GIVEN.add(port)
        return port
    raise EdgespecError(f"no port from {_FIRST} to {_LAST} is free: end what listens there")
