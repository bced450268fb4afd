"""The process of a page: it dies, stalls and is not there, and nobody else minds."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from edgespec.config import WebConfig
from edgespec.errors import ConfigError
from edgespec.web.feed_memory import FeedMemory
from edgespec.web.page_process import PageProcess, listen_for_page, page_url
from tests.made.broker import wait_for
from tests.made.page import task_of


def states(port: int) -> list[str] | None:
    """Return the bands whose state a page knows; None where it does not answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/api/state")
        return [one["band"] for one in json.loads(connection.getresponse().read())]
    except OSError:
        return None
    finally:
        connection.close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[PageProcess, int]]:
    found = listen_for_page(WebConfig(listen="127.0.0.1:0"))
    assert found is not None
    listening, token = found
    assert token == ""
    port = listening.getsockname()[1]
    process = PageProcess(listening, task_of(tmp_path), FeedMemory(2), pause_s=0.01)
    yield process, port
    process.close()
    process.close()


def test_one_that_dies_is_begun_again_and_knows_what_is_so(page: tuple[PageProcess, int]) -> None:
    process, port = page
    # More than a channel holds.
    bands = [f"band-{number}" for number in range(300)]
    for band in bands:
        state = {"band": band, "more": "x" * 3000}
        process.say(json.dumps({"type": "state", "state": state}).encode(), keep=band)
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    # Whoever calls meanwhile waits for the next one: the address is never free.
    wait_for(lambda: process.pid not in (None, first), "no other process")
    assert states(port) == bands


def test_one_that_stands_still_costs_nobody_any_time(page: tuple[PageProcess, int]) -> None:
    process, port = page
    assert states(port) == []
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    message = json.dumps({"type": "state", "state": {"band": "x" * 3000}}).encode()
    begun_s = time.thread_time()
    for _ in range(2000):
        process.say(message, keep="x")
    # Processor time, not patience: what does not fit is lost at once.
    assert time.thread_time() - begun_s < 5.0
    assert process.n_lost > 0
    os.kill(process.pid, signal.SIGCONT)
    assert states(port) is not None


def test_one_that_always_dies_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.web.page_process._MOST_DEATHS", 2)
    listening = socket.create_server(("127.0.0.1", 0))
    task = task_of(tmp_path, app="nothing")
    process = PageProcess(listening, task, pause_s=0.001)
    wait_for(lambda: "it is not begun again" in caplog.text, "it is not given up")
    process.say(b"{}")
    assert process.n_lost > 0
    # Nobody waits for an answer that never comes.
    wait_for(lambda: listening.fileno() == -1, "it still listens")
    process.close()


def test_an_address_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"nothing can listen at {address}"):
            listen_for_page(WebConfig(listen=address))


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'edgespec\[web\]'"):
        listen_for_page(WebConfig(listen="127.0.0.1:0"))
    assert listen_for_page(WebConfig()) is None


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "radio.example.org:80"])
def test_a_page_that_others_reach_takes_a_token(listen: str) -> None:
    with pytest.raises(ConfigError, match=r"there is no web\.token_file"):
        WebConfig(listen=listen)
    assert WebConfig(listen=listen, token_file=Path("token")).address is not None
    with pytest.raises(ConfigError, match=r"read_only is false"):
        WebConfig(listen="127.0.0.1:80", read_only=False)


def test_a_token_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    listen = WebConfig(listen="127.0.0.1:0", token_file=path)
    tokens = []
    for _ in range(2):
        found = listen_for_page(listen)
        assert found is not None
        found[0].close()
        tokens.append(found[1])
    assert path.stat().st_mode & 0o777 == 0o600
    assert tokens == [path.read_text().strip()] * 2
    assert len(tokens[0]) >= 32
    for mode, text, words in (
        (0o644, tokens[0], "can be read by everybody"),
        (0o600, "short", "holds 5 characters"),
        (0o600, "two lines of it\nand more", "holds 24 characters"),
    ):
        path.chmod(0o600)
        path.write_text(text)
        path.chmod(mode)
        with pytest.raises(ConfigError, match=words):
            listen_for_page(listen)
    path.unlink()
    for make in (path.mkdir, lambda: os.mkfifo(path, 0o600)):
        make()
        with pytest.raises(ConfigError, match=r"is no file|Is a directory"):
            listen_for_page(listen)
        path.rmdir() if path.is_dir() else path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="cannot be read or made"):
        listen_for_page(listen)


def test_a_name_whose_first_address_is_not_there_is_listened_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So is ``localhost`` where a container has ``::1`` in its hosts, and no IPv6."""
    known = socket.getaddrinfo("127.0.0.1", 0, type=socket.SOCK_STREAM)
    away = socket.getaddrinfo("192.0.2.1", 0, type=socket.SOCK_STREAM)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: away + known)
    found = listen_for_page(WebConfig(listen="localhost:0"))
    assert found is not None
    with found[0] as listening:
        assert page_url("localhost", listening) == f"http://localhost:{listening.getsockname()[1]}/"


def test_nobody_makes_the_memory_of_rows_shorter() -> None:
    memory = FeedMemory(1)
    with pytest.raises(PermissionError):
        os.ftruncate(memory.descriptor, 0)
