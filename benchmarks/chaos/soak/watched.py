"""The observer that is soaked: a process, what it says, what it tells systemd, and its memory."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT

__all__ = ["WATCHDOG_S", "Watched"]

#: As in the unit that firmware_configs has.
WATCHDOG_S = 30.0
_MEMORY_EVERY_S = 5.0
_END_S = 60.0


@dataclass
class Watched:
    """``edgespec monitor`` with a configuration, as systemd starts it, but for its UTC.

    Args:
        config: the file.
        folder: for its socket and its log.
        clock: that steps its UTC.
        environment: beside that of this process.

    Attributes:
        events: messages of events with the time when they were read, as all times here by a clock
            that never steps.
        states: the last state of each band.
        signs_s: when it said that it is alive.
        memory: time and resident memory in MB.
    """

    config: Path
    folder: Path
    clock: Path
    environment: dict[str, str]
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    signs_s: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        address = self.folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._socket.settimeout(0.2)
        self.log = self.folder / "observer.log"
        given = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": f"{WATCHDOG_S * 1e6:.0f}"}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "benchmarks.chaos.soak.stepped", str(self.clock)),
                    *("monitor", "-c", str(self.config), "--json"),
                ],
                cwd=ROOT,
                env={**os.environ, **given, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._is_over = False
        works = (self._read, self._listen, self._weigh)
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def end(self) -> int:
        """End it as systemd does, and return its exit code."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        self._process.kill()
        self._is_over = True
        for thread in self._threads:
            thread.join(10.0)
        self._socket.close()
        return self._process.wait()

    def log_end(self) -> str:
        """Return the last of what it logged."""
        return self.log.read_text(errors="replace")[-300:]

    def _read(self) -> None:
        for line in self._process.stdout or ():
            item = json.loads(line)
            if item["schema"].startswith("edgespec.event/"):
                self.events.append((time.monotonic(), item))
            elif item["schema"].startswith("edgespec.state/"):
                self.states[item["band"]] = item

    def _listen(self) -> None:
        while not self._is_over:
            with contextlib.suppress(TimeoutError):
                if b"WATCHDOG=1" in self._socket.recv(4096):
                    self.signs_s.append(time.monotonic())

    def _weigh(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._is_over:
            with contextlib.suppress(OSError, IndexError, ValueError):
                words = Path(f"/proc/{self._process.pid}/statm").read_text().split()
                self.memory.append((time.monotonic(), int(words[1]) * page / 1e6))
            time.sleep(_MEMORY_EVERY_S)
