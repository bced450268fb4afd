"""Whether SQLite would do as the outbox of MQTT: ``python -m benchmarks.speed.outbox``.

The journal and a table of SQLite (WAL) are given the same messages, as the sink gives them: an
event is kept before anybody is told, so that it outlives a kill; it is forced to the medium where
the broker does not confirm it at once; and it is forgotten when the broker has. Beside the times:
what is written for a message and its confirmation, how long it takes to open after a kill, and
what is missing of the messages that a killed process said it had kept.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import click

from benchmarks import record
from converter.report.markdown_table import markdown_table
from edgespec.alarm.outbox.spool import Spool

__all__ = ["OUTBOXES", "Outbox", "SqliteOutbox", "main"]

#: An event is as long as this, in JSON.
_PAYLOAD = b"x" * 900
#: So many that none goes for want of space.
_MOST_BYTES = 1_000_000_000
_N_WAITING = 1000
_IO = Path("/proc/self/io")
_STATUS = Path("/proc/self/status")


class Outbox(Protocol):
    """Keeps messages until they are confirmed."""

    def append(self, sequence: int, payload: bytes) -> None:
        """Keep a message: it outlives this process."""
        ...

    def sync(self) -> None:
        """Force what waits to the medium."""
        ...

    def ack(self, sequence: int) -> None:
        """Forget a message."""
        ...

    def pending(self) -> list[tuple[int, bytes]]:
        """Return what waits, in order."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class JournalOutbox:
    """The outbox as it is."""

    def __init__(self, folder: Path) -> None:
        self._spool = Spool(folder, _MOST_BYTES)
        self.append = self._spool.append
        self.sync = self._spool.sync
        self.ack = self._spool.ack
        self.close = self._spool.close

    def pending(self) -> list[tuple[int, bytes]]:
        """Return what waits, in order."""
        return list(self._spool.pending())


class SqliteOutbox:
    """The same as a table; a commit is forced where that is asked for, as in the journal."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(folder / "outbox.sqlite", isolation_level=None)
        self._base.execute("PRAGMA journal_mode = WAL").fetchall()
        self._base.execute("PRAGMA synchronous = NORMAL")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, "
            "is_update INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL)"
        )
        self._base.execute("CREATE TABLE IF NOT EXISTS forced (at INTEGER)")

    def append(self, sequence: int, payload: bytes) -> None:
        """Keep a message: the log has it when this returns."""
        self._base.execute(
            "INSERT INTO outbox (sequence, payload) VALUES (?, ?)", (sequence, payload)
        )

    def sync(self) -> None:
        """Force the log: a commit in the mode FULL does it for all before it."""
        self._base.execute("PRAGMA synchronous = FULL")
        self._base.execute("INSERT OR REPLACE INTO forced (rowid, at) VALUES (1, 0)")
        self._base.execute("PRAGMA synchronous = NORMAL")

    def ack(self, sequence: int) -> None:
        """Forget a message."""
        self._base.execute("DELETE FROM outbox WHERE sequence = ?", (sequence,))

    def pending(self) -> list[tuple[int, bytes]]:
        """Return what waits, in order."""
        return list(self._base.execute("SELECT sequence, payload FROM outbox ORDER BY sequence"))

    def close(self) -> None:
        """Let go of the files."""
        self._base.close()


OUTBOXES: dict[str, Callable[[Path], Outbox]] = {"journal": JournalOutbox, "SQLite": SqliteOutbox}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one outbox costs: smallest times of one call in us, and bytes for a message.

    ``written_bytes`` are those of keeping and confirming, ``forced_bytes`` those of keeping one and
    forcing it.
    """

    outbox: str
    keep_us: float
    force_us: float
    confirm_us: float
    written_bytes: float
    forced_bytes: float
    replay_ms: float
    memory_kbytes: float


def cost_of(name: str, folder: Path, n_messages: int) -> Cost:
    """Return the cost of an outbox in this process; a tenth of the messages warms it up."""
    memory = _figure(_STATUS, "VmRSS")
    outbox = OUTBOXES[name](folder / name)
    keep: list[float] = []
    confirm: list[float] = []
    force: list[float] = []
    n_warm = n_messages // 10
    for sequence in range(1, n_warm + n_messages + 1):
        if sequence == n_warm + 1:
            written = _figure(_IO, "wchar")
        keep.append(_seconds(partial(outbox.append, sequence, _PAYLOAD)))
        confirm.append(_seconds(partial(outbox.ack, sequence)))
    kept = _figure(_IO, "wchar")
    for number in range(n_warm + n_messages + 1, n_warm + 2 * n_messages + 1):
        outbox.append(number, _PAYLOAD)
        force.append(_seconds(outbox.sync))
    forced = _figure(_IO, "wchar")
    memory = _figure(_STATUS, "VmRSS") - memory
    outbox.close()
    replay_s = min(_replay_s(name, folder / f"{name}-{k}") for k in range(5))
    return Cost(
        name,
        1e6 * min(keep[n_warm:]),
        1e6 * min(force[n_warm:]),
        1e6 * min(confirm[n_warm:]),
        (kept - written) / n_messages,
        (forced - kept) / n_messages,
        1e3 * replay_s,
        memory,
    )


def kills(name: str, folder: Path, n_kills: int) -> tuple[int, int]:
    """Kill a process that keeps messages; return how many it said that it had, and lost ones."""
    n_said = n_lost = 0
    for number in range(n_kills):
        own = folder / f"{name}-kill-{number}"
        said = _killed(name, own, after_s=0.05 + 0.01 * (number % 7))
        outbox = OUTBOXES[name](own)
        kept = {sequence for sequence, _ in outbox.pending()}
        outbox.close()
        n_said += len(said)
        n_lost += len(set(said) - kept)
        shutil.rmtree(own)
    return n_said, n_lost


def _killed(name: str, folder: Path, after_s: float) -> list[int]:
    command = [sys.executable, "-m", "benchmarks.speed.outbox", "say", name, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        if child.stdout is None:
            return []
        first = child.stdout.readline()
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)
        lines = [first, *child.stdout.readlines()]
    return [int(line) for line in lines if line.endswith(b"\n")]


def _replay_s(name: str, folder: Path) -> float:
    """Return processor time of opening an outbox in which a killed process left messages."""
    child = os.fork()
    if child == 0:
        outbox = OUTBOXES[name](folder)
        for sequence in range(1, _N_WAITING + 1):
            outbox.append(sequence, _PAYLOAD)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    begun_s = time.process_time()
    outbox = OUTBOXES[name](folder)
    n_found = len(outbox.pending())
    past_s = time.process_time() - begun_s
    outbox.close()
    if n_found != _N_WAITING:
        raise RuntimeError(f"{name}: {n_found} of {_N_WAITING} messages are there after a kill")
    return past_s


def _seconds(call: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    call()
    return time.perf_counter() - begun_s


def _figure(path: Path, name: str) -> float:
    fields = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    return float(fields[name].split()[0])


def table(costs: list[Cost], lost: Mapping[str, tuple[int, int]]) -> str:
    """Return Markdown."""
    rows = [
        [
            one.outbox,
            f"{one.keep_us:.0f}",
            f"{one.force_us:.0f}",
            f"{one.confirm_us:.0f}",
            f"{one.written_bytes:.0f}",
            f"{one.forced_bytes:.0f}",
            f"{one.replay_ms:.1f}",
            f"{one.memory_kbytes / 1e3:.1f}",
            f"{lost[one.outbox][1]} of {lost[one.outbox][0]}",
        ]
        for one in costs
    ]
    return markdown_table(
        ["outbox", "keep, us", "force, us", "confirm, us", "bytes, kept and confirmed",
         "bytes, kept and forced",
         f"open with {_N_WAITING} waiting, ms", "memory, MB", "lost by kills"],
        rows,
    )  # fmt: skip


@click.group(invoke_without_command=True)
@click.option("--messages", default=2000, show_default=True, help="To keep, force and confirm.")
@click.option("--kills", "n_kills", default=20, show_default=True, help="Of each.")
@click.option("--folder", type=click.Path(path_type=Path), help="On the disk to measure.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
@click.pass_context
def main(
    context: click.Context, messages: int, n_kills: int, folder: Path | None, save: bool
) -> None:
    """Compare the journal with SQLite as the outbox of MQTT."""
    if context.invoked_subcommand is not None:
        return
    costs, lost = [], {}
    with tempfile.TemporaryDirectory(dir=folder) as made:
        for name in OUTBOXES:
            click.echo(f"measuring: {name}", err=True)
            command = [sys.executable, "-m", "benchmarks.speed.outbox", "cost", name, made]
            done = subprocess.run(
                [*command, str(messages)], capture_output=True, text=True, check=True
            )
            costs.append(Cost(**json.loads(done.stdout)))
            lost[name] = kills(name, Path(made), n_kills)
    text = table(costs, lost)
    machine = record.facts() | {"sqlite": sqlite3.sqlite_version, "messages": str(messages)}
    result = {"machine": machine, "costs": [*map(asdict, costs)], "kills": lost}
    click.echo(text)
    if save:
        click.echo(record.save("outbox", "The outbox of MQTT", result, text), err=True)


@main.command("cost", hidden=True)
@click.argument("name", type=click.Choice([*OUTBOXES]))
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("n_messages", type=int)
def cost_here(name: str, folder: Path, n_messages: int) -> None:
    """Print what this process measures, as JSON."""
    click.echo(json.dumps(asdict(cost_of(name, folder, n_messages))))


@main.command("say", hidden=True)
@click.argument("name", type=click.Choice([*OUTBOXES]))
@click.argument("folder", type=click.Path(path_type=Path))
def say(name: str, folder: Path) -> None:
    """Keep messages and say their numbers, until somebody ends this process."""
    outbox, sequence = OUTBOXES[name](folder), 0
    while True:
        sequence += 1
        outbox.append(sequence, _PAYLOAD)
        os.write(1, b"%d\n" % sequence)


if __name__ == "__main__":
    main()
