"""A page's server in a thread of the test, and one who asks it."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import aiohttp

from edgespec.web.feed_memory import FeedMemory
from edgespec.web.server import serve
from edgespec.web.task import Task

TOKEN = "a token of the tests"


def task_of(state_dir: Path, **changes: Any) -> Task:
    """Return the task of a page of two bands at an address of this machine."""
    bands = [{"band": name, "lower_hz": 8e8, "upper_hz": 8.1e8} for name in ("lte", "ism")]
    about = {"node": "roof", "version": "1", "board": "x", "started": "2026-11-29T12:00:00.000000Z",
             "state_dir": str(state_dir), "bands": bands}  # fmt: skip
    return replace(Task("observer", "127.0.0.1", about=about), **changes)


class Served:
    """A page that is served.

    Attributes:
        memory: of its bands.
        port: where it listens.
    """

    def __init__(self, task: Task, port: int = 0) -> None:
        self.memory = FeedMemory(len(task.about["bands"]))
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening = socket.create_server(("127.0.0.1", port))
        self.port = listening.getsockname()[1]
        self._thread = threading.Thread(
            target=lambda: asyncio.run(serve(task, listening, theirs, self.memory))
        )
        self._thread.start()

    def say(self, message: dict[str, Any]) -> None:
        """Tell the page something, as its observer does."""
        self._channel.send(json.dumps(message).encode())

    def ask(
        self, path: str, body: Any = None, *, method: str = "", **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Return status, headers, and body: an object where it is JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        way = method or ("GET" if data is None else "POST")
        connection.putrequest(way, path, skip_host="Host" in sent)
        for name, value in sent.items():
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        found = answer.read()
        told = {name.lower(): value for name, value in answer.getheaders()}
        is_json = told.get("content-type", "").startswith("application/json")
        connection.close()
        return answer.status, told, json.loads(found) if is_json else found

    def log_in(self) -> dict[str, str]:
        """Return the headers of a browser that is logged in, with its token of forms."""
        _, told, _ = self.ask("/api/login", {"token": TOKEN})
        cookie = told["set-cookie"].partition(";")[0]
        _, _, node = self.ask("/api/node", Cookie=cookie)
        return {"Cookie": cookie, "X_CSRF_Token": node["csrf"] or ""}

    def close(self) -> None:
        """End it as an observer ends."""
        self._channel.close()
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def served(task: Task) -> Iterator[Served]:
    """Serve a page for a while."""
    page = Served(task)
    try:
        yield page
    finally:
        page.close()


async def next_text(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """Return the next message of a kind."""
    async with asyncio.timeout(60):
        while True:
            message = await socket.receive()
            assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
            if message.type is aiohttp.WSMsgType.TEXT:
                found: dict[str, Any] = json.loads(message.data)
                if found["type"] == kind:
                    return found
