"""Faults on purpose, and what is lost: ``python -m benchmarks.chaos``.

A real mosquitto on the loopback, the observer's own way out in a process, files cut at their bytes,
radios that misbehave, and a clock that steps. Writes ``chaos.json`` and ``chaos.md`` to
``benchmarks/results``; what is not as it should be stands in the table. Rooms that are named are
tried again, the others stay as they are written.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmarks import record
from benchmarks.chaos import brokers, clocks, disks, installs, power, radios, servers, strangers
from benchmarks.chaos.cluster import cluster_faults
from benchmarks.chaos.trial import Trial
from converter.report.markdown_table import markdown_table

__all__ = ["main"]

_COLUMNS = (
    *("fault", "tried", "at stake", "lost", "repeated", "in order", "memory grown"),
    "what there is to say",
)
ROOMS = (
    "brokers",
    "disks",
    "power",
    "updates",
    "radios",
    "clocks",
    "central",
    "servers",
    "cluster",
)
_STRANGERS = 100_000


@click.command()
@click.argument("rooms", nargs=-1, type=click.Choice(ROOMS))
@click.option("--kills", default=100, show_default=True, help="Of the broker, and of installs.")
@click.option("--cuts", default=600, show_default=True, help="At most, for each file.")
@click.option("--old", default=1_000_000, show_default=True, help="Old reports in the cluster.")
@click.option("--save/--no-save", default=True, show_default=True)
def main(rooms: tuple[str, ...], kills: int, cuts: int, old: int, save: bool) -> None:
    """Try every fault and write what came of it."""
    chosen = rooms or ROOMS
    tried: dict[str, list[Trial]] = {room: [] for room in chosen}
    for room in chosen:
        for trial in _trials(room, kills, cuts, old):
            click.echo(" | ".join(trial.row))
            tried[room].append(trial)
    if save:
        _save(tried)


def _trials(room: str, kills: int, cuts: int, old: int) -> Iterator[Trial]:
    for fault in _faults(room, kills, cuts, old):
        with tempfile.TemporaryDirectory(prefix="edgespec-chaos-") as folder:
            found = fault(Path(folder))
        yield from found if isinstance(found, list) else filter(None, [found])


def _save(tried: dict[str, list[Trial]]) -> None:
    """Write what was tried, and of the other rooms what is written already, of their own day."""
    stem = record.RESULTS / "chaos"
    path = stem.with_suffix(".json")
    old: dict[str, Any] = {"rooms": {}, "machines": {}}
    if path.exists():
        old = json.loads(path.read_text(encoding="utf-8"))
    machine = record.facts(("paho-mqtt",))
    rooms = {
        room: [Trial(**one) for one in trials] for room, trials in old["rooms"].items()
    } | tried
    machines = old["machines"] | dict.fromkeys(tried, machine)
    known = [room for room in ROOMS if room in rooms]
    made = {room: machines[room] for room in known}
    result = {
        "schema": "edgespec.chaos/2",
        "machines": made,
        "rooms": {room: [asdict(one) for one in rooms[room]] for room in known},
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    trials = [trial for room in known for trial in rooms[room]]
    stem.with_suffix(".md").write_text(_report(trials, made), encoding="utf-8")


def _faults(
    room: str, kills: int, cuts: int, old: int
) -> list[Callable[[Path], Trial | list[Trial] | None]]:
    if room == "brokers":
        few = max(1, kills // 5)
        return [
            partial(brokers.killed, n=kills),
            partial(brokers.forgetful, n=kills),
            partial(brokers.forgetful_without_replay, n=kills),
            partial(brokers.hung, n=max(1, kills // 20)),
            partial(brokers.restarted_empty, n=few),
            partial(brokers.observer_killed, n=few),
            partial(brokers.two_of_one_id, seconds=20.0),
        ]
    if room == "disks":
        return [disks.full, disks.limited]
    if room == "power":
        return [partial(power.power_cuts, most=cuts)]
    if room == "updates":
        return [
            partial(installs.killed_installs, n=kills),
            partial(installs.killed_commands, n=max(1, kills // 5)),
            partial(installs.cut_installs, most=cuts),
        ]
    if room == "radios":
        return [partial(_radio, kind=kind) for kind in radios.KINDS]
    if room == "central":
        return [partial(strangers.flooded, n=_STRANGERS)]
    if room == "cluster":
        return [partial(cluster_faults, n=max(1, kills // 50), n_old=old)]
    if room == "servers":
        return [servers.notified, servers.scraped]
    return [clocks.clock_steps]


def _radio(folder: Path, kind: str) -> Trial:
    return radios.bad_radio(kind)


def _report(trials: list[Trial], machines: dict[str, dict[str, str]]) -> str:
    failed = sum(bool(trial.failed) for trial in trials)
    of_facts: dict[str, list[str]] = {}
    for room, machine in machines.items():
        said = ", ".join(f"{key} {value}" for key, value in machine.items())
        of_facts.setdefault(said, []).append(room)
    made = "\n\n".join(f"{', '.join(rooms)}: {said}." for said, rooms in of_facts.items())
    return (
        "# Faults on purpose\n\nMade by `python -m benchmarks.chaos`.\n\n"
        f"{markdown_table(_COLUMNS, [trial.row for trial in trials])}\n\n"
        f"{len(trials)} faults, {failed} of them not as they should be.\n\n{made}\n"
    )


if __name__ == "__main__":
    main()
