"""The machine itself: Python, disk, clock, power."""

import os
import shlex
import sys
import tempfile
from pathlib import Path

from edgespec.alerts.incidents import events_folder
from edgespec.board import Board, throttled_words
from edgespec.ops.checks.finding import Finding, Subject

__all__ = ["check_clock", "check_power", "check_python", "check_state_dir"]

_PYTHONS = ((3, 11), (3, 13))
#: Room for logs and learnt state beside the spool.
_SPARE_BYTES = 50_000_000


def check_python(subject: Subject, version: tuple[int, int] | None = None) -> Finding:
    """Whether this Python is one that edgespec is tested with."""
    major, minor = version or sys.version_info[:2]
    text = f"Python {major}.{minor}"
    if _PYTHONS[0] <= (major, minor) <= _PYTHONS[1]:
        return Finding("ok", text)
    return Finding("fail", f"{text} is not supported", "install Python 3.11, 3.12 or 3.13")


def check_state_dir(subject: Subject) -> Finding:
    """Whether what must survive a restart can be written, and has room."""
    folder = subject.config.node.state_dir
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    fix = f"let this user write to {existing}, or set node.state_dir to another folder"
    if not existing.is_dir():
        return Finding("fail", f"{existing} is no folder", fix)
    if not (_takes_a_file(folder) if folder == existing else os.access(existing, os.W_OK)):
        return Finding("fail", f"{folder} cannot be written", fix)
    free, needed = subject.machine.free_bytes(existing), subject.config.mqtt.spool_max_bytes
    detail = f"{folder}, {free / 1e6:.0f} MB free"
    if free < needed + _SPARE_BYTES:
        return Finding(
            "warn",
            f"{detail}, and the spool may take {needed / 1e6:.0f} MB",
            "free some space or lower mqtt.spool_max_bytes",
        )
    old = sorted(events_folder(folder).glob("events*.jsonl"))
    if old:
        return Finding(
            "warn",
            f"{detail}; {old[0]} is the list of events of an earlier version, which is not read: "
            "events are in history.sqlite",
            "each of its lines is an event as on the topic events: keep it elsewhere, or delete it "
            f"(rm {' '.join(shlex.quote(str(path)) for path in old)})",
        )
    return Finding("ok", detail)


def _takes_a_file(folder: Path) -> bool:
    """Return whether a file can really be written: permissions do not tell of a full disk."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"edgespec")
            file.flush()
    except OSError:
        return False
    return True


def check_clock(subject: Subject) -> Finding:
    """Whether the clock is synchronised, so that time stamps of observers agree."""
    answer = subject.machine.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if answer not in ("yes", "no"):
        return Finding("skipped", "timedatectl does not answer here")
    if answer == "yes":
        return Finding("ok", "synchronised")
    return Finding(
        "warn",
        "not synchronised: events carry wrong times",
        "sudo timedatectl set-ntp true, and wait for the network",
    )


def check_power(subject: Subject) -> Finding:
    """Whether the processor may run at its speed.

    ``vcgencmd`` exists on a Raspberry Pi alone; its answers are tested with recorded text, not
    on a board.
    """
    machine = subject.machine
    governor_file = machine.sys_dir / "devices/system/cpu/cpu0/cpufreq/scaling_governor"
    governor = governor_file.read_text().strip() if governor_file.is_file() else None
    board = Board(machine.sys_dir)
    answer = machine.run(["vcgencmd", "get_throttled"])
    if governor is None and answer is None and not board.tells:
        return Finding("skipped", "neither a CPU governor, vcgencmd nor a sensor here")
    troubles = dict.fromkeys((*board.read().words, *throttled_words(answer or "")))
    if troubles:
        return Finding(
            "warn",
            ", ".join(troubles),
            "use the board's own power supply and a heat sink; latencies are not to be trusted",
        )
    if governor == "powersave":
        return Finding(
            "warn",
            "the CPU governor is powersave",
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        )
    known = [f"CPU governor {governor}"] if governor else []
    not_held = ["not throttled"] if answer or board.tells else []
    return Finding("ok", ", ".join([*known, *not_held]))
