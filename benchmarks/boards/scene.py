"""What emulated boards watch, and what they are to say of it: a recording of the simulator."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks import record

__all__ = ["FEW", "SECONDS", "Run", "call", "differences", "need", "observe", "recorded_scene"]

SECONDS = 4.0
_SCENE = "sim:lte-dl?seed=2&sample_rate=5M&bits=8&kind=tone&isr_db=10&offset_hz=1.2M&start_s=2.5"
#: Configuration of an observer with the network and the detectors of single segments alone.
FEW = '[detect]\ndetectors = ["model", "zscore", "energy"]\n[history]\nlevels = false\n'
_SAME = ("event_type", "band", "kind")
#: Hz: a bin.
_NEAR = {"core:freq_lower_edge": 40e3, "core:freq_upper_edge": 40e3}


@dataclass(frozen=True, slots=True)
class Run:
    """What an observer said of the recording.

    ``events`` are those on stdout; ``peak_mb`` is the most memory of its process and its emulator.
    """

    name: str
    seconds: float
    peak_mb: float
    events: tuple[dict[str, Any], ...]


def differences(
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return in words what two runs of one recording do not agree on.

    Types of messages, bands and kinds must be the same, and edges within a bin.
    """
    if len(ours) != len(theirs):
        return [f"{len(ours)} events here, {len(theirs)} there"]
    found = []
    for one, other in zip(ours, theirs, strict=True):
        wrong = [key for key in _SAME if one[key] != other[key]]
        wrong += [key for key, most in _NEAR.items() if abs(one[key] - other[key]) > most]
        found += [f"{key}: {one[key]} here, {other[key]} there" for key in wrong]
    return found


def call(command: Sequence[str | Path], **settings: Any) -> None:
    """Say a command and run it.

    Raises:
        click.ClickException: it failed.
    """
    click.echo(f"+ {' '.join(map(str, command))[:160]}", err=True)
    done = subprocess.run([*map(str, command)], check=False, **settings)
    if done.returncode:
        raise click.ClickException(f"{command[0]} ended with {done.returncode}")


def need(program: str, package: str) -> str:
    """Return where a program is.

    Raises:
        click.ClickException: it is in none of the usual places; with the package that has it.
    """
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        raise click.ClickException(f"{program} is not here: apt install {package}")
    return path


def recorded_scene(work: Path) -> Path:
    """Return the recording's path without its ending; it is made in ``work`` where it is not."""
    scene = work / "scene"
    if not scene.with_suffix(".sigmf-meta").is_file():
        call([sys.executable, "-m", "edgespec", "record", "--source", _SCENE, "-o", scene,
              "--seconds", str(SECONDS)], cwd=record.ROOT)  # fmt: skip
    return scene


def observe(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path
) -> Run:
    """Run an observer in ``folder`` and return what it said on stdout, and what it took.

    Raises:
        click.ClickException: it failed.
    """
    click.echo(f"{name}: {' '.join(map(str, command))[:160]}", err=True)
    begun = time.monotonic()
    done = subprocess.Popen(
        [*map(str, command)],
        env=dict(environment),
        # Python takes packages of the folder it stands in before installed ones.
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout is not None
    lines = [json.loads(line) for line in done.stdout if line.startswith("{")]
    _, status, usage = os.wait4(done.pid, 0)
    if status:
        raise click.ClickException(f"{name} ended with {os.waitstatus_to_exitcode(status)}")
    events = tuple(
        line for line in lines if str(line.get("schema", "")).startswith("edgespec.event/")
    )
    return Run(name, time.monotonic() - begun, usage.ru_maxrss * 1024 / 1e6, events)
