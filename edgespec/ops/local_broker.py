"""A broker on this machine for a first run: mosquitto where it is installed, else amqtt."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from edgespec.errors import BrokerError
from edgespec.port import free_port

__all__ = ["LocalBroker"]

_START_S = 20.0
#: Debian installs it where the path of an ordinary user does not look.
_SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"


class LocalBroker:
    """A broker in its own process, on a free port of the loopback interface.

    Use it as a context manager; ``url`` and ``name`` say where and what it is.

    Raises:
        BrokerError: neither mosquitto nor amqtt is installed, or it does not start.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="edgespec-broker-")
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_FOLDERS)
        if mosquitto:
            self.name = "mosquitto"
            command = [mosquitto, "-c", str(self._mosquitto_config())]
        elif find_spec("amqtt"):
            self.name = "amqtt"
            script = "amqtt.scripts.broker_script"
            command = [sys.executable, "-m", script, "-c", str(self._amqtt_config())]
        else:
            self._folder.cleanup()
            raise BrokerError(
                "no broker is installed here: install mosquitto (apt install mosquitto) or the "
                "extra (pip install 'edgespec[broker]'), or name your broker with --mqtt URL"
            )
        self._log = (Path(self._folder.name) / "log").open("w+b")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        try:
            self._wait_ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "LocalBroker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the process and remove its files."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def _mosquitto_config(self) -> Path:
        path = Path(self._folder.name) / "mosquitto.conf"
        path.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n",
            encoding="utf-8",
        )
        return path

    def _amqtt_config(self) -> Path:
        path = Path(self._folder.name) / "amqtt.yaml"
        path.write_text(
            "listeners:\n"
            "  default:\n"
            "    type: tcp\n"
            f"    bind: 127.0.0.1:{self.port}\n"
            "plugins:\n"
            "  amqtt.plugins.authentication.AnonymousAuthPlugin:\n"
            "    allow_anonymous: true\n",
            encoding="utf-8",
        )
        return path

    def _wait_ready(self) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        raise BrokerError(
            f"{self.name} did not start on port {self.port}: {lines[-1] if lines else 'no output'}"
        )
