"""Who takes part: a broker that can be killed or hung, an observer's way out, and an ear."""

import contextlib
import getpass
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.record import ROOT

__all__ = ["Broker", "Ear", "Feeder", "start_heard", "wait_until"]

#: The first events of a process load modules and fill caches.
_SETTLED = 100


def wait_until(condition: Callable[[], bool], patience_s: float) -> bool:
    """Return whether a condition came to hold in time."""
    until_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.01)
    return True


class Broker:
    """mosquitto on a free port of the loopback, which keeps sessions and messages on disk."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port: int = server.getsockname()[1]
        path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if path is None:
            raise click.ClickException("mosquitto is not installed: apt install mosquitto")
        self._store = folder / "mosquitto.db"
        self.log = folder / "mosquitto.log"
        config = folder / "mosquitto.conf"
        config.write_text(
            f"user {getpass.getuser()}\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 1\n"
            "autosave_on_changes true\nmax_queued_messages 0\n"
        )
        self._command = [path, "-v", "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        if not wait_until(self._answers, 20.0):
            raise click.ClickException(f"mosquitto does not start: {self.log.read_text()[-500:]}")

    def kill(self, *, forget: bool = False) -> None:
        """Kill it; with ``forget`` its store goes, too."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if forget:
            self._store.unlink(missing_ok=True)

    def hang(self, seconds: float) -> None:
        """Let it stand still, its connections open."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            return True
        return False


class Ear:
    """A subscriber whose session the broker keeps, and that comes back at once."""

    def __init__(self, port: int, pattern: str = "edgespec/+/events") -> None:
        self.heard: list[tuple[str, int, bool]] = []
        self.retained: dict[str, bytes] = {}
        self.is_there = threading.Event()
        self._pattern = pattern
        self._closed = False
        self._is_away = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"ear-{pattern}",
            clean_session=False,
            reconnect_on_failure=False,
        )
        self._client.on_connect = lambda client, *_: client.subscribe(pattern, qos=1)
        self._client.on_subscribe = lambda *_: self.is_there.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port, keepalive=5)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.is_there.wait(20.0)

    def names(self) -> set[str]:
        """Return the ids heard so far."""
        return {name for name, _, _ in list(self.heard)}

    def wait_for_more(self, patience_s: float) -> None:
        """Return when it has heard something new, or in time."""
        n_heard = len(self.heard)
        wait_until(lambda: len(self.heard) > n_heard, patience_s)

    def go_away(self) -> None:
        """Hang up; the broker keeps what comes meanwhile."""
        self.is_there.clear()
        self._is_away.set()
        self._client.disconnect()

    def come_back(self) -> None:
        """Connect again, as soon as there is a broker."""
        self._is_away.clear()

    def close(self) -> None:
        """Hear no more."""
        self._closed = True
        self._thread.join(20.0)
        self._client.disconnect()

    def _run(self) -> None:
        while not self._closed:
            if self._client.loop(0.05):
                self.is_there.clear()
                if self._is_away.is_set():
                    time.sleep(0.005)
                    continue
                with contextlib.suppress(OSError):
                    self._client.reconnect()
                    continue
                time.sleep(0.05)

    def _hear(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        if message.topic.endswith("/events"):
            event = json.loads(message.payload)
            name = f"{event['id']}/{event['event_type']}"
            # What the broker gives again itself says so, too.
            said_again = bool(event["replayed"] or message.dup)
            self.heard.append((name, event["sequence"], said_again))
        else:
            self.retained[message.topic] = bytes(message.payload)


class Feeder:
    """A :mod:`benchmarks.chaos.feeder` and what it says."""

    def __init__(
        self,
        url: str,
        state_dir: Path,
        run: str,
        period_s: float = 0.05,
        *,
        node: str = "pi",
        max_file_bytes: int = 0,
        count: int = 0,
        replay_s: float = -1.0,
    ) -> None:
        self.said: list[str] = []
        self.problems: list[str] = []
        self._memory_kb: list[int] = []
        words = (url, state_dir, node, run, period_s, max_file_bytes, count, replay_s)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.chaos.feeder", *map(str, words)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._threads = [
            threading.Thread(target=take, daemon=True) for take in (self._take, self._take_problems)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def growth_mb(self) -> float:
        """Memory that it grew by since it had settled; 0 where it did not run so long."""
        settled = self._memory_kb[_SETTLED:] or [0]
        return (settled[-1] - settled[0]) / 1024.0

    def wait_said(self, n: int) -> None:
        """Return when it has said so many."""
        if not wait_until(lambda: len(self.said) >= n or self._process.poll() is not None, 120.0):
            raise click.ClickException("the feeder says nothing")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and take what it said last."""
        self._process.send_signal(number)
        self._process.wait(60.0)
        for thread in self._threads:
            thread.join(10.0)

    def _take(self) -> None:
        for line in self._process.stdout or ():
            name, memory_kb, *_ = line.split()
            self._memory_kb.append(int(memory_kb))
            if name != "end":
                self.said.append(name)

    def _take_problems(self) -> None:
        for line in self._process.stderr or ():
            self.problems.append(line.strip())


def start_heard(broker: Broker, ear: Ear, feeder: Feeder) -> None:
    """Start a broker, and let a feeder that stands still go on when the subscriber is there.

    What a broker gets before it knows a subscriber, nobody hears.
    """
    ear.is_there.clear()
    broker.start()
    ear.is_there.wait(20.0)
    feeder.send(signal.SIGCONT)
