"""A bell that wakes a thread out of waiting for the network."""

import contextlib
import socket

__all__ = ["Waker"]


class Waker:
    """``wake`` from any thread makes ``fileno`` readable until ``clear``; it never blocks."""

    def __init__(self) -> None:
        self._listening, self._ringing = socket.socketpair()
        self._listening.setblocking(False)
        self._ringing.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._listening.fileno()

    def wake(self) -> None:
        """Ring; a bell that rings already, or is closed, stays as it is."""
        with contextlib.suppress(OSError):
            self._ringing.send(b"!")

    def clear(self) -> None:
        """Stop ringing."""
        with contextlib.suppress(BlockingIOError):
            while self._listening.recv(4096):
                pass

    def close(self) -> None:
        """Let both ends go."""
        self._listening.close()
        self._ringing.close()
