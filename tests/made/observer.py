"""The observer as its user runs it: a process, its exit code, and the lines it writes."""

import atexit
import functools
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from click.testing import CliRunner

from edgespec.cli import main
from tests.made.broker import PATIENCE_S, wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
#: What an observer says while it compiles: whether it must depends on who ran before it.
_COMPILING = re.compile(r"INFO: (compiling loops|compiled \d+ loops)")
#: What the tests want of an observer: short memory, so that a short recording is enough.
DETECT = {"warmup_s": 0.3, "hold_off_s": 0.05, "detectors": ["model", "zscore"]}


@functools.cache
def _state_home() -> str:
    """Return a folder that this process of tests shares with nobody, least of all the user."""
    folder = tempfile.mkdtemp(prefix="edgespec-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def machine_code() -> Path:
    """Return where machine code is kept from run to run: compiling takes longer than most tests."""
    return Path(tempfile.gettempdir()) / f"edgespec-tests-{os.getuid()}" / "jit"


def environment(home: Path | None = None) -> dict[str, str]:
    """Return this environment without what would reach the user's own observer."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EDGESPEC_") and name not in ("STATE_DIRECTORY", "XDG_STATE_HOME")
    }
    kept["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])
    )
    kept["XDG_STATE_HOME"] = str(home or _state_home())
    kept.setdefault("NUMBA_CACHE_DIR", str(machine_code()))
    return kept


def write_config(path: Path, **tables: Mapping[str, object]) -> Path:
    """Write a configuration; ``source`` and ``band`` become lists of one table."""
    lines = []
    for name, table in {"detect": DETECT, **tables}.items():
        lines.append(f"[[{name}]]" if name in ("source", "band") else f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass
class Lines:
    """What ``--json`` wrote, by schema, in order."""

    infos: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)

    def take(self, line: str) -> None:
        # Strict, as a consumer would be: NaN is not JSON.
        item = json.loads(line, parse_constant=_refuse)
        kinds = {
            "edgespec.info/1": self.infos,
            "edgespec.event/2": self.events,
            "edgespec.state/1": self.states,
        }
        kinds[item["schema"]].append(item)

    @property
    def types(self) -> list[str]:
        return [event["event_type"] for event in self.events]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in JSON")


class Observer:
    """``python -m edgespec ...`` in the background, its output read as it comes.

    Use it as a context manager; whatever still runs at the end is killed.
    """

    def __init__(self, *arguments: object, home: Path | None = None, **options: Any) -> None:
        self.lines = Lines()
        self.output: list[str] = []
        self.log: list[str] = []
        self.started_s = time.monotonic()
        self._is_json = "--json" in arguments and arguments[0] == "monitor"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "edgespec", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment(home),
            **options,
        )
        self._threads = [
            threading.Thread(target=self._follow, args=(stream, lines), daemon=True)
            for stream, lines in (
                (self._process.stdout, self.output),
                (self._process.stderr, self.log),
            )
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def text(self) -> str:
        return "".join(self.output)

    @property
    def errors(self) -> str:
        return "".join(self.log)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Return the exit code once it has ended and all its output was read."""
        code = self._process.wait(patience_s)
        for thread in self._threads:
            thread.join(patience_s)
        return code

    def wait_for_events(self, *types: str) -> None:
        """Return once the events so far contain these types in this order."""

        def came() -> bool:
            rest = iter(list(self.lines.types))
            return all(wanted in rest for wanted in types) or not self.runs

        wait_for(came, f"events {types}, got {self.lines.types}: {self.errors}")

    def _follow(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            if lines is self.log and _COMPILING.match(line):
                continue
            lines.append(line)
            if self._is_json and lines is self.output:
                self.lines.take(line)


def run(*arguments: object, home: Path | None = None, **options: Any) -> tuple[int, Observer]:
    """Run a command to its end; return its exit code and what it wrote."""
    with Observer(*arguments, home=home, **options) as observer:
        return observer.wait(), observer


@dataclass(frozen=True)
class Answer:
    """What a command wrote to its end."""

    text: str
    errors: str

    @property
    def lines(self) -> Lines:
        """Its lines, as ``monitor --json`` writes them."""
        lines = Lines()
        for line in self.text.splitlines():
            lines.take(line)
        return lines


def answer(*arguments: object) -> tuple[int, Answer]:
    """Run a command in this process, for what it says; not for what its process does."""
    given = dict.fromkeys({*os.environ} - {*environment()}) | environment()
    with _nobody_logs():
        done = CliRunner().invoke(main, [str(one) for one in arguments], env=given)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    lines = done.stderr.splitlines(keepends=True)
    errors = "".join(line for line in lines if not _COMPILING.match(line))
    return done.exit_code, Answer(done.stdout, errors)


@contextmanager
def _nobody_logs() -> Iterator[None]:
    """Take away who logs here, so that a command logs as it does in a process of its own."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
