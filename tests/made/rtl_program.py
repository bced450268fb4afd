"""A program called rtl_tcp for tests: serves samples on its port, or does not, as it is told.

Each start takes the next of its plans, the last for all further ones: ``lines`` it says, ``exit``
with a code, or serve ``n_bytes`` (null: endless) and then go; ``is_deaf`` does not end on SIGTERM,
``is_mute`` takes connections and sends nothing.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

_SCRIPT = """#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.made.rtl_program import serve
serve({folder!r}, sys.argv[1:])
"""


class RtlProgram:
    """Puts the program into a folder, which belongs on PATH.

    Args:
        folder: an empty one.
        data: bytes that are served, again and again.
        plans: what becomes of each start.
    """

    def __init__(self, folder: Path, data: bytes, plans: list[dict[str, Any]]) -> None:
        self.folder = folder
        (folder / "data").write_bytes(data)
        (folder / "plans").write_text(json.dumps(plans))
        root = Path(__file__).parents[2]
        program = folder / "rtl_tcp"
        program.write_text(
            _SCRIPT.format(python=sys.executable, root=str(root), folder=str(folder))
        )
        program.chmod(0o755)

    @property
    def starts(self) -> list[dict[str, Any]]:
        """Arguments and process of each start so far."""
        path = self.folder / "starts"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    @property
    def commands(self) -> list[list[int]]:
        """What the one that runs was told so far."""
        with contextlib.suppress(OSError, ValueError):
            return list(json.loads((self.folder / "commands").read_text()))
        return []


def serve(folder: str, arguments: list[str]) -> None:
    """Be the program."""
    import signal
    import time

    home = Path(folder)
    plans = json.loads((home / "plans").read_text())
    starts = home / "starts"
    n_before = len(starts.read_text().splitlines()) if starts.exists() else 0
    with starts.open("a") as file:
        file.write(json.dumps({"arguments": arguments, "pid": os.getpid()}) + "\n")
    plan = plans[min(n_before, len(plans) - 1)]
    for line in plan.get("lines", ()):
        sys.stderr.write(line + "\n")
    sys.stderr.flush()
    if "exit" in plan:
        sys.exit(plan["exit"])
    if plan.get("is_deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from tests.made.rtl_tcp_server import GREETING, RtlTcpServer

    port = int(arguments[arguments.index("-p") + 1])
    with RtlTcpServer(
        (home / "data").read_bytes(),
        rate_hz=plan.get("rate_hz"),
        n_bytes=(plan.get("n_bytes"),),
        greeting=b"" if plan.get("is_mute") else GREETING,
        stall=True,
        port=port,
    ) as server:
        while plan.get("n_bytes") is None or server.n_clients == 0:
            (home / "commands").write_text(json.dumps(server.commands))
            time.sleep(0.02)
        # What was sent is on its way; then the dongle is pulled out.
        time.sleep(plan.get("stays_s", 0.5))
        os._exit(1)
