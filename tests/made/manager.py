"""What stands for systemd: a socket that services tell how they are."""

import socket
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Manager"]


class Manager:
    """Receives what is said to it, in order."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        self.said: list[str] = []

    def take(self) -> list[str]:
        """Return all lines that were said so far."""
        while True:
            try:
                self.said += self._socket.recv(65536).decode().split("\n")
            except BlockingIOError:
                return self.said

    def without_status(self) -> list[str]:
        """Return all lines but those for people."""
        return [line for line in self.take() if not line.startswith("STATUS=")]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
