"""What browsers are told while the bands are opened: the first start compiles for a minute."""

import contextlib
import select
import socket
from threading import Event as Flag
from threading import Thread

__all__ = ["WaitingRoom"]

_POLL_S, _SLOW_S = 0.2, 1.0
_MOST_BYTES = 16_384
_HTML = b"""<!doctype html><html lang="en"><title>edgespec</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme"
content="light dark"><h1>The bands are being opened</h1><p>The first start on a machine compiles for
a minute or more. This page tries again by itself.</p></html>
"""
_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Length: %d\r\nRetry-After: 2\r\nRefresh: 2\r\nCache-Control: no-store\r\n"
    b"Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n"
    b"Connection: close\r\n\r\n%s"
) % (len(_HTML), _HTML)


class WaitingRoom:
    """Answers whoever calls where a page will be, until it is closed.

    What is asked for is not looked at: the answer is always the same, and shows nothing.

    Args:
        listening: where browsers call; it stays open.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening, self._stopping = listening, Flag()
        self._thread = Thread(target=self._run, name="edgespec-web-waiting", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more; a second call does nothing."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        # The page's own process waits on the same socket later, and must find it as it was.
        while not self._stopping.is_set():
            with contextlib.suppress(OSError, ValueError):
                if select.select([self._listening], [], [], _POLL_S)[0]:
                    caller, _ = self._listening.accept()
                    with caller:
                        _answer(caller)


def _answer(caller: socket.socket) -> None:
    """Read a request, as far as it comes at once, and answer it."""
    caller.settimeout(_SLOW_S)
    read = b""
    with contextlib.suppress(TimeoutError):
        while b"\r\n\r\n" not in read and len(read) < _MOST_BYTES:
            some = caller.recv(_MOST_BYTES)
            if not some:
                return
            read += some
    caller.sendall(_ANSWER)
    # What was not read would make the end of the connection an error for whoever reads.
    caller.shutdown(socket.SHUT_WR)
