"""Whether another observer of this host writes the same topics (O2).

Observers may only write at the broker, so they cannot hear each other there. On one host they can
tell by a name that the kernel lends to one of them at a time, and takes back with its process.
"""

import errno
import logging
import socket
from hashlib import blake2b
from types import TracebackType
from typing import Self

__all__ = ["TopicClaim"]

_LOG = logging.getLogger(__name__)
#: A zero first: a name that is no file (unix(7), abstract sockets).
_MARK = b"\0edgespec-"


class TopicClaim:
    """Claims the topics of a node on a broker from ``with`` or :meth:`open` to its end.

    Where another process has claimed them, that is said once, and nothing else happens: what they
    watch may differ. Where names cannot be lent (no Linux), nothing is known.

    Args:
        broker: address of the broker, without a password.
        prefix: first level of the topics.
        node: id of the observer.
    """

    def __init__(self, broker: str, prefix: str, node: str) -> None:
        self._node = node
        mark = blake2b(repr((broker, prefix, node)).encode("utf-8", "replace"), digest_size=16)
        self._name = _MARK + mark.hexdigest().encode()
        self._socket: socket.socket | None = None
        self.is_alone = True

    def __enter__(self) -> Self:
        return self.open()

    def open(self) -> Self:
        """Claim them. The kernel takes the name back when nobody holds the claim any more."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.bind(self._name)
        except OSError as error:
            self.is_alone = error.errno != errno.EADDRINUSE
        if not self.is_alone:
            _LOG.warning(
                "another observer on this host has the node id %r at this broker, too: both write "
                "the same topics, and when one ends, the other counts as offline; give each a "
                "node.id of its own, or watch both in one observer",
                self._node,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others claim them."""
        if self._socket is not None:
            self._socket.close()
