"""A web server that does what a test wants: answers, hangs, dribbles, lies."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Received", "WebServer", "answer", "dribble", "hang", "refuse_early"]

#: What is done with a connection after a request was read.
Behaviour = Callable[[socket.socket, threading.Event], None]


class Received:
    """A request: first line, headers in small letters, body."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.line, *rows = head.decode("latin-1").split("\r\n")
        pairs = [row.partition(": ") for row in rows if row]
        self.headers = {name.lower(): value for name, _, value in pairs}
        self.body = body


def answer(status: int, headers: str = "", body: bytes = b"") -> Behaviour:
    """Answer at once."""
    head = f"HTTP/1.1 {status} Status\r\n{headers}Content-Length: {len(body)}\r\n\r\n"

    def behave(client: socket.socket, closing: threading.Event) -> None:
        client.sendall(head.encode() + body)

    return behave


def hang(client: socket.socket, closing: threading.Event) -> None:
    """Say nothing."""
    closing.wait()


def dribble(client: socket.socket, closing: threading.Event) -> None:
    """Say a little, again and again, and never whether it is taken."""
    client.sendall(b"HTTP/1.")
    while not closing.wait(0.02):
        client.sendall(b"1")


def refuse_early(client: socket.socket, closing: threading.Event) -> None:
    """Say that a body is too long, and hang up, without having read it."""
    client.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class WebServer:
    """Answers connections, one after the other in threads of their own, as context manager.

    Args:
        behaviours: of the requests in their order; the last one is that of all that follow.
        certificate: files of a certificate and its key, to speak TLS.
    """

    def __init__(
        self, *behaviours: Behaviour, certificate: tuple[Path, Path] | None = None
    ) -> None:
        self._behaviours = list(behaviours)
        self._tls = (
            None if certificate is None else ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        )
        if self._tls is not None and certificate is not None:
            self._tls.load_cert_chain(*certificate)
        self._closing = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}/secret-path?q=1"
        self.received: list[Received] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._closing.is_set():
            with suppress(OSError):
                client, _ = self._server.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        with client:
            data = b""
            while b"\r\n\r\n" not in data:
                data += client.recv(65536) or b"\r\n\r\n"
            head, _, body = data.partition(b"\r\n\r\n")
            request = Received(head, body)
            behave = self._behaviours[min(len(self.received), len(self._behaviours) - 1)]
            n_bytes = int(request.headers.get("content-length", 0))
            while len(request.body) < n_bytes and behave is not refuse_early:
                request.body += client.recv(65536)
            self.received.append(request)
            behave(client, self._closing)
