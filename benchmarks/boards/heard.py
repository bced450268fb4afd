"""What the broker of a benchmark is told by an emulated board."""

import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.boards.scene import need

__all__ = ["Heard"]


class Heard:
    """What a broker is told from now on, with when.

    Args:
        port: of the broker, on this machine.
        file: what is heard is written there.
    """

    def __init__(self, port: int, file: Path) -> None:
        self._file = file
        with file.open("wb") as out:
            self._process = subprocess.Popen(
                [need("mosquitto_sub", "mosquitto-clients"), "-p", str(port), "-q", "1",
                 "-F", "%U %t %p", "-t", "edgespec/#"], stdout=out,
            )  # fmt: skip

    def messages(self, schema: str) -> list[tuple[float, dict[str, Any]]]:
        """Return messages of a schema with the time at which each came, in seconds."""
        found = []
        for line in self._file.read_text(encoding="utf-8").splitlines():
            time_s, _, payload = line.split(" ", 2)
            with suppress(json.JSONDecodeError):
                content = json.loads(payload)
                if isinstance(content, dict) and content.get("schema", "").startswith(schema):
                    found.append((float(time_s), content))
        return found

    def wait(self, schema: str, n: int, limit_s: float = 60.0) -> list[dict[str, Any]]:
        """Return messages of a schema when there are ``n``, or as many as came within a limit."""
        ends = time.monotonic() + limit_s
        while len(found := self.messages(schema)) < n and time.monotonic() < ends:
            time.sleep(0.2)
        return [message for _, message in found]

    def close(self) -> None:
        """Listen no longer."""
        self._process.terminate()
        self._process.wait()
