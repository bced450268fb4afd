"""A real broker for tests, a link to it that can be cut, and someone who listens."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edgespec.port import free_port

#: Bounds a hang; what a test waits for comes long before, on however slow a machine.
PATIENCE_S = 300.0


def wait_for(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return once ``condition`` holds; fail with ``what`` when patience ends."""
    deadline_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail(f"not within {patience_s:g} s: {what}")
        time.sleep(0.01)


def mosquitto_path() -> str:
    """Return the path of mosquitto, which Debian keeps out of a user's PATH, or skip."""
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip("mosquitto is not installed")
    return path


class Broker:
    """mosquitto on a free port of the loopback, without persistence.

    ``lines`` go into its configuration; a listener is added, and anonymous access unless the
    lines say something about it.
    """

    def __init__(self, folder: Path, lines: Iterable[str] = ()) -> None:
        self.port = free_port()
        self._path = mosquitto_path()
        self._config = folder / f"mosquitto-{self.port}.conf"
        text = ["user " + getpass.getuser(), f"listener {self.port} 127.0.0.1", *lines]
        if not any(line.startswith("allow_anonymous") for line in text):
            text.append("allow_anonymous true")
        self._config.write_text("\n".join(text) + "\n")
        self._log = folder / f"mosquitto-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._path, "-c", str(self._config), "-v"], stdout=log, stderr=log
            )

        def answers() -> bool:
            if self._process is not None and self._process.poll() is not None:
                pytest.fail(f"mosquitto ended: {self._log.read_text()}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                return True
            return False

        wait_for(answers, "mosquitto listens")

    def stop(self) -> None:
        """End it as systemd would."""
        self._end("terminate")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end("kill")

    def _end(self, how: str) -> None:
        process, self._process = self._process, None
        if process is not None:
            getattr(process, how)()
            process.wait(PATIENCE_S)


class Proxy:
    """A TCP link to ``target_port`` that can be cut, or frozen so that nobody notices."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._is_cut = False
        self._is_frozen = False
        self._is_closed = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Close every connection and every new one at once."""
        self._is_cut = True
        self._hang_up()

    def freeze(self) -> None:
        """Stop carrying bytes while connections stay open, as when a radio link fades."""
        self._is_frozen = True

    def heal(self) -> None:
        """Carry again; what was frozen is gone with its connection."""
        self._hang_up()
        self._is_cut = self._is_frozen = False

    def close(self) -> None:
        self._is_closed = True
        self._hang_up()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        self._listener.close()

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _hang_up(self) -> None:
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._sockets.clear()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self._is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:
                near.close()
                continue
            for sock in (near, far):
                sock.settimeout(0.05)
            with self._lock:
                self._sockets += [near, far]
            done = threading.Barrier(2)
            self._start(self._carry, near, far, done)
            self._start(self._carry, far, near, done)

    def _carry(self, source: socket.socket, sink: socket.socket, done: threading.Barrier) -> None:
        while not self._is_closed:
            if self._is_frozen:
                time.sleep(0.01)
                if source not in self._sockets:
                    break
                continue
            try:
                data = source.recv(65536)
                if not data:
                    break
                if self._is_frozen:
                    continue
                sink.sendall(data)
            except TimeoutError:
                continue
            except OSError:
                break
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        done.wait(PATIENCE_S)
        source.close()


class Listener:
    """Subscribes to ``#`` below a prefix and keeps what it hears, with the time of arrival."""

    def __init__(self, port: int, pattern: str = "edgespec/#") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self.times_ns: list[int] = []
        self._subscribed = threading.Event()
        self._pattern = pattern
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        wait_for(lambda: self._reaches(port), "the broker takes the listener")
        self._client.loop_start()
        if not self._subscribed.wait(PATIENCE_S):
            pytest.fail("no subscription")

    def on(self, ending: str) -> list[bytes]:
        """Return the payloads heard on topics that end so."""
        return [payload for topic, payload, _ in list(self.heard) if topic.endswith(ending)]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _reaches(self, port: int) -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            return self._client.connect("127.0.0.1", port) == 0
        return False

    def _on_connect(self, client: Client, *_: object) -> None:
        client.subscribe(self._pattern, qos=1)

    def _on_message(self, client: object, userdata: object, message: object) -> None:
        self.times_ns.append(time.monotonic_ns())
        self.heard.append((message.topic, message.payload, message.retain))
