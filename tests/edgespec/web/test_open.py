"""An observer with a page: what it computes reaches a browser, and its end does, too."""

import asyncio
import contextlib
import json
import socket
import threading
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.config import Config, DetectConfig, NodeConfig, SourceConfig, WebConfig
from edgespec.observer.startup import open_observer
from edgespec.web.open import open_observer_page
from tests.made import band
from tests.made.broker import wait_for
from tests.made.tape import Tape, monitor_for


class Browser:
    """One who looks at a page from before the observer runs until its end."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/live"
        self.is_looking = threading.Event()
        self.planes: set[str] = set()
        self.n_rows, self.kinds, self.close_code = 0, set[str](), 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._look()))
        self._thread.start()

    def join(self) -> None:
        self._thread.join(120)

    async def _look(self) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(self._url) as socket:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.n_rows += int.from_bytes(message.data[2:4], "little")
                    continue
                told = json.loads(message.data)
                self.kinds.add(told["type"])
                self.planes |= set(told.get("planes", ()))
                self.n_rows += told.get("n_rows", 0)
                self.is_looking.set()
            self.close_code = socket.close_code or 0


@pytest.mark.slow_without_jit
def test_what_an_observer_computes_reaches_a_browser(tmp_path: Path) -> None:
    config = Config(
        node=NodeConfig(state_dir=tmp_path),
        source=(SourceConfig(uri="sim:lte-dl?duration_s=1.6&seed=4"),),
        detect=DetectConfig(warmup_s=0.8),
        web=WebConfig(listen="127.0.0.1:0"),
    )
    page = open_observer_page(config)
    assert page is not None
    monitor = open_observer(config, [page]).monitor
    page.watch(monitor)
    browser = Browser(page.port)
    assert browser.is_looking.wait(120)
    monitor.run()
    browser.join()
    # Shown or lost: the simulation runs as fast as it can.
    assert browser.n_rows >= 1.5 * 55
    assert browser.planes == {"power", "residual"}
    assert {"hello", "state"} <= browser.kinds
    assert browser.close_code == 1001


def asked(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_a_page_says_that_the_bands_are_opened_and_then_what_they_run(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """At once, whoever asks, and though one connects and says nothing; a new model is told."""
    config = Config(node=NodeConfig(state_dir=tmp_path), web=WebConfig(listen="127.0.0.1:0"))
    page = open_observer_page(config)
    assert page is not None
    with socket.create_connection(("127.0.0.1", page.port)):
        for path in ("/", "/api/bands"):
            status, words = asked(page.port, path)
            assert status == 503
            assert "The bands are being opened" in words
    monitor = monitor_for(Tape(band.cf32(band.noise(rng, 0.01)), is_live=True), state_s=60.0)
    page.watch(monitor)
    (worker,) = monitor.workers
    status, text = asked(page.port, "/api/bands")
    assert (status, [one["model"] for one in json.loads(text)]) == (200, ["mean"])
    worker.chain.go_by(replace(worker.chain.yardstick, model="another"))
    page.state(worker.state())
    wait_for(lambda: '"another"' in asked(page.port, "/api/bands")[1], "the other model")
    page.close()
    page.close()


def test_a_page_for_all_without_a_token_does_not_begin() -> None:
    done = CliRunner().invoke(main, ["monitor", "--source", "sim:lte-dl", "--web", "0.0.0.0:8080"])
    assert done.exit_code == 3
    assert "web.token_file" in done.stderr
