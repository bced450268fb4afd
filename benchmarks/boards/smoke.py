"""Whether an ARM processor, emulated, decides as this one: ``python -m benchmarks.boards.smoke``.

Debian's Python for arm64 and the wheels that a board gets are unpacked into a folder; nothing is
installed here and no root is needed. There qemu scores a recording of the simulator and publishes
to a mosquitto of this machine; events are compared with those of this processor. How long it takes
says nothing of a board.
"""

import json
import os
import re
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
from benchmarks.chaos.parties import Broker
from converter.report.markdown_table import markdown_table

__all__ = ["Run", "differences", "main"]

_SUITE, _PYTHON = "trixie", "3.13"
#: qemu 7.2 of Debian 12 crashes LiteRT where /sys is visible.
_LEAST_QEMU = 8
_SCENE = "sim:lte-dl?seed=2&sample_rate=5M&bits=8&kind=tone&isr_db=10&offset_hz=1.2M&start_s=2.5"
_SECONDS = 4.0
#: Platforms of wheels that glibc of that Debian takes.
_PLATFORMS = tuple(f"manylinux_{n}_aarch64" for n in ("2_17", "2_24", "2_27", "2_28", "2_34"))


_FEW = '[detect]\ndetectors = ["model", "zscore", "energy"]\n[history]\nlevels = false\n'
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


def _call(command: Sequence[str | Path], **settings: Any) -> None:
    click.echo(f"+ {' '.join(map(str, command))[:160]}", err=True)
    done = subprocess.run([*map(str, command)], check=False, **settings)
    if done.returncode:
        raise click.ClickException(f"{command[0]} ended with {done.returncode}")


def _need(program: str, package: str) -> str:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        raise click.ClickException(f"{program} is not here: apt install {package}")
    return path


def _unpack(folder: Path, architecture: str, packages: str) -> None:
    """Unpack packages of Debian and what they depend on; no script of theirs is run."""
    if folder.is_dir():
        return
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    _call(
        [_need("mmdebstrap", "mmdebstrap"), "--mode=auto", "--variant=extract", "--quiet",
         f"--architectures={architecture}", f"--include={packages}", _SUITE, part]
    )  # fmt: skip
    if not (part / "lib").exists():
        (part / "lib").symlink_to("usr/lib")
    part.rename(folder)


def _qemu(work: Path) -> Path:
    """Return an emulator that is new enough, Debian's own where none is here."""
    for name in ("qemu-aarch64", "qemu-aarch64-static"):
        path = shutil.which(name)
        if path is not None:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
            version = re.search(r"version (\d+)", said.stdout)
            if version is not None and int(version[1]) >= _LEAST_QEMU:
                return Path(path)
    _unpack(work / "qemu", "amd64", "qemu-user")
    return work / "qemu/usr/bin/qemu-aarch64"


def _install(work: Path) -> Path:
    """Return the folder with the project's wheel and what it needs, for ARM."""
    site = work / "site"
    shutil.rmtree(work / "wheel", ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _call([*pip, "wheel", "--no-deps", "--wheel-dir", work / "wheel", record.ROOT])
    (wheel,) = (work / "wheel").glob("edgespec-*.whl")
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    target = [*pip, "install", "--target", site, "--python-version", _PYTHON, *platforms,
              "--implementation", "cp", "--only-binary", ":all:"]  # fmt: skip
    if not (site / "numba").is_dir():
        _call([*target, wheel])
    # The wheel is of this minute, whatever its version.
    for old in [*site.glob("edgespec*"), *site.glob("converter")]:
        shutil.rmtree(old)
    _call([*target, "--no-deps", "--upgrade", wheel])
    return site


def _observe(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path
) -> Run:
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


def _table(runs: Sequence[Run], n_heard: int, few: bool) -> str:
    rows = [[run.name, f"{run.seconds:.0f}", f"{run.peak_mb:.0f}", len(run.events)] for run in runs]
    head = ["run", "seconds", "MB, with the emulator", "messages of events"]
    return (
        markdown_table(head, rows, right_from=1)
        + f"\n\n{_SECONDS:g} s at 5 MS/s, the network and {'few' if few else 'all'} detectors. "
        f"The broker heard {n_heard} messages of events of the "
        "emulated observer; it decided as this processor."
    )


@click.command()
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("build/arm64"),
    show_default=True,
    help="Where things are unpacked; they are found there again.",
)
@click.option(
    "--few",
    is_flag=True,
    help="With the network and the detectors of single segments alone: a third of the compiling.",
)
@click.option(
    "--plain", is_flag=True, help="Nothing is compiled: an emulator takes half an hour for that."
)
@click.option("--core", default="cortex-a72", show_default=True, help="Which qemu plays.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(work: Path, few: bool, plain: bool, core: str, save: bool) -> None:
    """Let an emulated ARM processor score a recording and publish what it finds."""
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    subscriber = _need("mosquitto_sub", "mosquitto-clients")
    qemu = _qemu(work)
    _unpack(work / "root", "arm64", "python3,libstdc++6")
    site = _install(work)
    scene = work / "scene"
    if not scene.with_suffix(".sigmf-meta").is_file():
        _call([sys.executable, "-m", "edgespec", "record", "--source", _SCENE, "-o", scene,
               "--seconds", _SECONDS], cwd=record.ROOT)  # fmt: skip
    config = work / "observer.toml"
    config.write_text(_FEW if few else "", encoding="utf-8")
    watch = ["-m", "edgespec", "monitor", "--json", "-c", str(config), "--source", f"sigmf:{scene}"]
    if plain:
        watch += ["--computing", "plain", "--backend", "litert"]
    for name in ("state-here", "state-there"):
        shutil.rmtree(work / name, ignore_errors=True)
    here = {key: value for key, value in os.environ.items() if key != "EDGESPEC_MQTT_URL"}
    # What is compiled for this processor is kept for the next time.
    here |= {
        "STATE_DIRECTORY": str(work / "state-here"),
        "NUMBA_CACHE_DIR": str(work / "kernels-here"),
    }
    runs = [_observe("this processor", [sys.executable, *watch], here, record.ROOT)]
    broker = Broker(work)
    listener = subprocess.Popen(
        [subscriber, "-p", str(broker.port), "-q", "1", "-t", "edgespec/+/events"],
        stdout=subprocess.PIPE,
        text=True,
    )
    there = {
        "PATH": "/usr/bin", "HOME": str(work), "PYTHONPATH": str(site),
        "PYTHONHOME": str(work / "root/usr"),
        "STATE_DIRECTORY": str(work / "state-there"), "NUMBA_CACHE_DIR": str(work / "kernels"),
        "QEMU_LD_PREFIX": str(work / "root"), "QEMU_CPU": core, "NUMBA_CPU_NAME": core,
        "NUMBA_CPU_FEATURES": "",
    }  # fmt: skip
    command = [qemu, work / f"root/usr/bin/python{_PYTHON}", *watch, "--mqtt", broker.url]
    try:
        shutil.rmtree(work / "kernels", ignore_errors=True)
        ways = ("nothing compiled",) if plain else ("all compiled", "kernels kept")
        runs += [_observe(f"{core}, emulated, {how}", command, there, work) for how in ways]
    finally:
        time.sleep(1.0)
        listener.terminate()
        broker.kill()
    assert listener.stdout is not None
    heard = [line for line in listener.stdout if line.startswith("{")]
    for run in runs[1:]:
        wrong = differences(runs[0].events, run.events)
        if wrong:
            raise click.ClickException(f"{run.name} decides otherwise: {'; '.join(wrong)}")
    if not runs[0].events or len(heard) < len(runs[1].events):
        raise click.ClickException(f"{len(runs[0].events)} events, the broker heard {len(heard)}")
    text = _table(runs, len(heard), few)
    click.echo(text)
    if save:
        result = {
            "machine": record.facts(),
            "core": core,
            "few": few,
            "plain": plain,
            "runs": [{"name": r.name, "seconds": r.seconds, "peak_mb": r.peak_mb} for r in runs],
        }
        click.echo(
            record.save("smoke", "An emulated ARM processor", result, text, "boards"), err=True
        )


if __name__ == "__main__":
    main()
