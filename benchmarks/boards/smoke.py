"""Whether an ARM processor, emulated, decides as this one: ``python -m benchmarks.boards.smoke``.

Debian's Python for arm64 and the wheels that a board gets are unpacked into a folder; nothing is
installed here and no root is needed. There qemu scores a recording of the simulator and publishes
to a mosquitto of this machine; events are compared with those of this processor. How long it takes
says nothing of a board.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks import record
from benchmarks.boards.heard import Heard
from benchmarks.boards.scene import (
    FEW,
    SECONDS,
    Run,
    call,
    differences,
    need,
    observe,
    recorded_scene,
)
from benchmarks.chaos.parties import Broker
from converter.report.markdown_table import markdown_table

__all__ = ["main"]

_SUITE, _PYTHON = "trixie", "3.13"
#: qemu 7.2 of Debian 12 crashes LiteRT where /sys is visible.
_LEAST_QEMU = 8
#: Platforms of wheels that glibc of that Debian takes.
_PLATFORMS = tuple(f"manylinux_{n}_aarch64" for n in ("2_17", "2_24", "2_27", "2_28", "2_34"))


def _unpack(folder: Path, architecture: str, packages: str) -> None:
    """Unpack packages of Debian and what they depend on; no script of theirs is run."""
    if folder.is_dir():
        return
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    call(
        [need("mmdebstrap", "mmdebstrap"), "--mode=auto", "--variant=extract", "--quiet",
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
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    call([*pip, "wheel", "--no-deps", "--wheel-dir", work / "wheel", record.ROOT])
    (wheel,) = (work / "wheel").glob("edgespec-*.whl")
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    target: list[str | Path] = [
        *pip, "install", "--target", site, "--python-version", _PYTHON, *platforms,
        "--implementation", "cp", "--only-binary", ":all:",
    ]  # fmt: skip
    if not (site / "numba").is_dir():
        call([*target, wheel])
    # The wheel is of this minute, whatever its version.
    for old in [*site.glob("edgespec*"), *site.glob("converter")]:
        shutil.rmtree(old)
    call([*target, "--no-deps", "--upgrade", wheel])
    return site


def _count(kernels: Path) -> int:
    """Return how many kernels' machine code is kept."""
    return sum(1 for _ in kernels.rglob("*.nbc"))


def _table(runs: Sequence[Run], n_heard: int, n_kernels: int, few: bool) -> str:
    rows = [[run.name, f"{run.seconds:.0f}", f"{run.peak_mb:.0f}", len(run.events)] for run in runs]
    head = ["run", "seconds", "MB, with the emulator", "messages of events"]
    return (
        markdown_table(head, rows, right_from=1)
        + f"\n\n{SECONDS:g} s at 5 MS/s, the network and {'few' if few else 'all'} detectors. "
        f"{n_kernels} kernels were compiled for it. The broker heard {n_heard} messages of events "
        "of the emulated observer; it decided as this processor."
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
@click.option(
    "--kept",
    is_flag=True,
    help="A later start alone, with the kernels that an earlier call has compiled.",
)
@click.option("--core", default="cortex-a72", show_default=True, help="Which qemu plays.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(work: Path, few: bool, plain: bool, kept: bool, core: str, save: bool) -> None:
    """Let an emulated ARM processor score a recording and publish what it finds."""
    if kept and plain:
        raise click.UsageError("--kept and --plain: there are no kernels where nothing is compiled")
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    kernels = work / "kernels"
    if not kept:
        shutil.rmtree(kernels, ignore_errors=True)
    elif not _count(kernels):
        raise click.ClickException(f"there are no kernels in {kernels}: first without --kept")
    for program, package in (("mosquitto", "mosquitto"), ("mosquitto_sub", "mosquitto-clients")):
        need(program, package)
    qemu = _qemu(work)
    _unpack(work / "root", "arm64", "python3,libstdc++6")
    site = _install(work)
    scene = recorded_scene(work)
    config = work / "observer.toml"
    config.write_text(FEW if few else "", encoding="utf-8")
    watch = ["-m", "edgespec", "monitor", "--json", "-c", str(config), "--source", f"sigmf:{scene}"]
    if plain:
        watch += ["--computing", "plain", "--backend", "litert"]
    here = {key: value for key, value in os.environ.items() if key != "EDGESPEC_MQTT_URL"}
    # What is compiled for this processor is kept for the next time.
    here |= {
        "STATE_DIRECTORY": str(work / "state-here"),
        "NUMBA_CACHE_DIR": str(work / "kernels-here"),
    }
    # What one start has learnt is not for the next: all of them hear the same.
    shutil.rmtree(work / "state-here", ignore_errors=True)
    runs = [observe("this processor", [sys.executable, *watch], here, record.ROOT)]
    there = {
        "PATH": "/usr/bin", "HOME": str(work), "PYTHONPATH": str(site),
        "PYTHONHOME": str(work / "root/usr"),
        "STATE_DIRECTORY": str(work / "state-there"), "NUMBA_CACHE_DIR": str(kernels),
        "QEMU_LD_PREFIX": str(work / "root"), "QEMU_CPU": core, "NUMBA_CPU_NAME": core,
        "NUMBA_CPU_FEATURES": "",
    }  # fmt: skip
    python = work / f"root/usr/bin/python{_PYTHON}"
    ways = {"all compiled": not plain and not kept, "kernels kept": not plain,
            "nothing compiled": plain}  # fmt: skip
    with ExitStack() as ending:
        broker = Broker(work)
        ending.callback(broker.kill)
        told = Heard(broker.port, work / "heard")
        ending.callback(told.close)
        command: list[str | Path] = [qemu, python, *watch, "--mqtt", broker.url]
        n_kernels = [_count(kernels)]
        for way in (way for way, is_asked in ways.items() if is_asked):
            shutil.rmtree(work / "state-there", ignore_errors=True)
            runs.append(observe(f"{core}, emulated, {way}", command, there, work))
            n_kernels.append(_count(kernels))
        n_said = sum(len(run.events) for run in runs[1:])
        heard = told.wait("edgespec.event/", n_said)
    for run in runs[1:]:
        wrong = differences(runs[0].events, run.events)
        if wrong:
            raise click.ClickException(f"{run.name} decides otherwise: {'; '.join(wrong)}")
    if n_kernels[-2] != n_kernels[-1]:
        raise click.ClickException(f"{n_kernels[-2]} kernels, after a later start {n_kernels[-1]}")
    if not n_said or len(heard) < n_said:
        raise click.ClickException(f"{n_said} messages of events, the broker heard {len(heard)}")
    text = _table(runs, len(heard), n_kernels[-1], few)
    click.echo(text)
    if save:
        result = {
            "machine": record.facts(),
            "core": core,
            "few": few,
            "plain": plain,
            "n_kernels": n_kernels[-1],
            "runs": [{"name": r.name, "seconds": r.seconds, "peak_mb": r.peak_mb} for r in runs],
        }
        click.echo(
            record.save("smoke", "An emulated ARM processor", result, text, "boards"), err=True
        )


if __name__ == "__main__":
    main()
