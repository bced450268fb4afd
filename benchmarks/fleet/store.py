"""Ten thousand observers into a fleet's store: how late an alert is told and kept, and what for.

``python -m benchmarks.fleet.store`` starts a mosquitto and a fleet's program, lets virtual
observers say their states and some events, and takes the time from the moment before an event is
published to its line on the program's screen, and to the end of the commit that holds it. Then
again, with a database that is away for the middle third.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.fleet.observers import Observers
from converter.report.markdown_table import markdown_table
from edgespec.config import MqttConfig
from edgespec.fleet.place import store_url
from edgespec.fleet.service import FleetService
from edgespec.fleet.silence import Change
from edgespec.fleet.spool import RowSpool
from edgespec.fleet.store import FleetStore, StoreAwayError
from edgespec.fleet.tables import Row
from edgespec.fleet.writer import FleetWriter
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.ops.local_broker import LocalBroker

__all__ = ["main"]

_TICKS = os.sysconf("SC_CLK_TCK")
#: Between the first states of two observers; and how long events are waited for.
_BEGIN_S, _PATIENCE_S = 0.002, 120.0
#: Real observers say a state each five seconds.
_STATE_S, _MILLION, _PLANNED = 5.0, 1_000_000, 0.5


class _TimedStore(FleetStore):
    """Notes when an event is committed; is away when it is told to be."""

    def __init__(self, where: str, kept: dict[str, int], away: Any) -> None:
        super().__init__(store_url(where), ["main"])
        self._kept, self._away = kept, away

    def write(self, rows: Sequence[Row]) -> list[Row]:
        """Write, and note the time of each event."""
        if self._away.is_set():
            raise StoreAwayError("the benchmark has taken it away")
        refused = super().write(rows)
        now_ns = time.time_ns()
        for row in rows:
            if row.table == "events":
                self._kept.setdefault(row.values["id"], now_ns)
        return refused


class _TimedScreen:
    """Notes when an event is told."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}

    def event(self, broker: str, event: dict[str, Any]) -> None:
        """Note it."""
        self.told.setdefault(event["id"], time.time_ns())

    def observer(self, broker: str, node: str, change: Change, why: str) -> None:
        """Nothing: only events are timed."""

    def count(self, words: str) -> None:
        """Nothing."""


def _fleet(url: str, where: str, folder: str, away: Any, ending: Any, answers: Connection) -> None:
    """Run a fleet's program in this process, and send what it noted."""
    kept: dict[str, int] = {}
    spool = RowSpool(Path(folder), 256 << 20)
    writer = FleetWriter(_TimedStore(where, kept, away), spool)
    screen = _TimedScreen()
    service = FleetService({"main": MqttConfig(url=url)}, writer, screen, 90.0, "benchmark")
    service.wait_connected(60.0)
    most_bytes = [0]

    def watch() -> None:
        while not ending.wait(0.2):
            most_bytes[0] = max(most_bytes[0], spool.n_bytes)
            if answers.poll():
                answers.recv()
                answers.send(len(kept))
        service.stop()

    answers.send("ready")
    Thread(target=watch, daemon=True).start()
    service.run()
    answers.send((screen.told, kept, most_bytes[0], writer.n_written))


def load(
    where: str, n: int, every_s: float, seconds: float, events_hz: float, *, is_away: bool
) -> dict[str, Any]:
    """Return what a run of so many observers took, each of which says a state so often."""
    away, ending = multiprocessing.Event(), multiprocessing.Event()
    ours, theirs = multiprocessing.Pipe()
    observers = Observers(n)
    said: dict[str, int] = {}
    with ExitStack() as stack:
        broker = stack.enter_context(LocalBroker())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        fleet = multiprocessing.Process(
            target=_fleet, args=(broker.url, where, folder, away, ending, theirs)
        )
        fleet.start()
        assert ours.recv() == "ready"
        session = stack.enter_context(Session(Link.of(MqttConfig(url=broker.url), "observers")))
        # All are known before: an observer begins once.
        for name in observers.names:
            data = observers.state(name, time.time_ns())
            session.publish(f"edgespec/{name}/state", data, 0, retain=True)
            session.poll(None, _BEGIN_S)
        first = observers.names[0]
        _, data = observers.event(first, time.time_ns())
        session.publish(f"edgespec/{first}/events", data, 1)
        _wait_kept(ours, 1)
        before = _cpu_s(fleet.pid), _cpu_s(broker._process.pid)
        begun_s, n_states, late_s = time.monotonic(), 0, 0.0
        while (at_s := time.monotonic() - begun_s) < seconds:
            if is_away:
                (away.set if 1 / 3 < at_s / seconds < 2 / 3 else away.clear)()
            while n_states < at_s * n / every_s:
                name = observers.names[n_states % n]
                data = observers.state(name, time.time_ns())
                session.publish(f"edgespec/{name}/state", data, 0, retain=True)
                n_states += 1
            while len(said) < at_s * events_hz:
                name = str(observers.rng.choice(observers.names))
                event_id, data = observers.event(name, time.time_ns())
                said[event_id] = time.time_ns()
                session.publish(f"edgespec/{name}/events", data, 1)
            session.poll(None, 0.005)
            late_s = max(late_s, time.monotonic() - begun_s - at_s)
        while session.unacked:
            session.poll(None, 0.1)
        away.clear()
        sent_s = time.monotonic()
        _wait_kept(ours, len(said) + 1)
        after = _cpu_s(fleet.pid), _cpu_s(broker._process.pid)
        ending.set()
        told, kept, spool_bytes, n_rows = ours.recv()
        fleet.join()
    n_all = n_states + len(said)
    return {
        "observers": n, "every_s": every_s, "seconds": seconds,
        "states": n_states, "events": len(said),
        "events_told": len(told.keys() & said.keys()),
        "events_kept": len(kept.keys() & said.keys()),
        "told_ms": _times(told, said), "kept_ms": _times(kept, said), "rows": n_rows,
        "fleet_us": round(1e6 * (after[0] - before[0]) / n_all, 1),
        "broker_us": round(1e6 * (after[1] - before[1]) / n_all, 1),
        "spool_mb": round(spool_bytes / 1e6, 2), "publisher_late_s": round(late_s, 2),
        "sent_s": round(sent_s - begun_s, 1), "away": is_away,
    }  # fmt: skip


def _wait_kept(ours: Connection, n: int) -> None:
    """Wait until so many events are in the database."""
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        ours.send("how many")
        if int(ours.recv()) >= n:
            return
        time.sleep(0.5)


def _times(found: dict[str, int], said: dict[str, int]) -> list[float]:
    """Return median, 99th percentile and maximum in ms."""
    late = [(found[name] - said[name]) / 1e6 for name in said if name in found]
    return [round(float(one), 1) for one in np.percentile(late, (50, 99, 100))]


def _cpu_s(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return the runs in a table, and a million observers on paper."""
    table = markdown_table(
        ["store", "observers, a state each", "messages a second", "told, ms: median, p99, largest",
         "kept, ms: median, p99, largest", "events kept", "fleet, us a message",
         "mosquitto, us a message", "spool, MB"],
        [[row["store"] + (", away for a third" if row["away"] else ""),
          f"{row['observers']}, {row['every_s']:g} s",
          f"{(row['states'] + row['events']) / row['sent_s']:.0f}",
          _three(row["told_ms"]), _three(row["kept_ms"]),
          f"{row['events_kept']} of {row['events']}", f"{row['fleet_us']:g}",
          f"{row['broker_us']:g}", f"{row['spool_mb']:g}"] for row in rows],
    )  # fmt: skip
    told = (
        f"{table}\n\nFrom the moment before it is published; to the line on the screen, and to the "
        "end of the commit. Costs are processor time of the process over all messages; of states "
        "that look alike one in 30 s is read, so that a message of rarer states costs more."
    )
    usual = [row["fleet_us"] for row in rows if row["every_s"] == _STATE_S and not row["away"]]
    if not usual:
        return told
    cost_us, states_hz = max(usual), _MILLION / _STATE_S
    cores = states_hz * cost_us / 1e6
    return (
        f"{told}\n\n**A million observers, on paper**: a state each {_STATE_S:g} s is "
        f"{states_hz:,.0f} messages a second, {cores:.0f} cores busy by the cost above and "
        f"{cores / _PLANNED:.0f} planned half busy: so many programs, each with its own broker. "
        f"The rows that stay are a state an hour each, {_MILLION / 3600:.0f} a second, and events. "
        "If observers told a state only where something changes and each five minutes, messages "
        "were a sixtieth, each of them read."
    )


def _three(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


@click.command()
@click.option(
    "--run", "runs", type=(int, float), multiple=True, default=((10_000, 20.0), (2_500, _STATE_S)),
    show_default=True, help="So many observers, and seconds between two states of one.",
)  # fmt: skip
@click.option("--seconds", default=30.0, show_default=True)
@click.option("--events", "events_hz", default=20.0, show_default=True, help="Of all, a second.")
@click.option("--postgres", help="URL of an empty database, to be measured as well.")
@click.option("--beside", default="nothing that is known", help="What ran beside it.")
@click.option("--save/--no-save", default=True, show_default=True)
def main(
    runs: tuple[tuple[int, float], ...],
    seconds: float,
    events_hz: float,
    postgres: str | None,
    beside: str,
    save: bool,
) -> None:
    """Measure and write the results; the database goes away in the first run of each."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        stores = [("SQLite", str(Path(folder) / "fleet.sqlite"))]
        stores += [("PostgreSQL", postgres)] if postgres else []
        for name, where in stores:
            for number, (n, every_s) in enumerate(runs):
                for is_away in (False, True)[: 1 if number else 2]:
                    found = load(where, n, every_s, seconds, events_hz, is_away=is_away)
                    rows.append({"store": name, **found})
                    click.echo(rows[-1])
    machine = record.facts(["sqlalchemy", "psycopg", "paho-mqtt"]) | {"beside": beside}
    text = page(rows)
    click.echo(text)
    if save:
        title = "Ten thousand observers into a fleet's store"
        record.save("store", title, {"machine": machine, "rows": rows}, text, "fleet")


if __name__ == "__main__":
    main()
