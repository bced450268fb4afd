"""Whether the image of a card boots into an observer: ``python -m benchmarks.boards.boot IMAGE``.

The card's own kernel, initial RAM disk and root run in a virtual machine (qemu, an emulated ARM
processor), from a copy of the card with the test's seeds. Its observer watches a recording and
publishes to a mosquitto of this machine. A Raspberry Pi's firmware, device tree and drivers have no
part in it, and how long it takes says nothing of a board.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import click

from benchmarks import record
from benchmarks.boards.heard import Heard
from benchmarks.boards.scene import FEW, SECONDS, call, differences, need, observe, recorded_scene
from benchmarks.chaos.parties import Broker
from converter.report.markdown_table import markdown_table

__all__ = ["Machine", "main", "seeds"]

#: Where the card's first partition begins, as mtools are told it.
_OFFSET = "4M"
#: Bytes that the copy is larger than the image, as a card would be: the root is to grow by it.
_GROWS_BY = 256 << 20
#: The loopback of this machine, as the virtual one sees it.
_HOST = "10.0.2.2"
_OFF_S = 600.0
#: Of the kernel: emulated, finding a disk may take longer than systemd's usual 90 s, and to verify
#: the program by which systemd may restrict file systems, minutes.
_PATIENCE = (
    "systemd.default_device_timeout_sec=1800 systemd.default_timeout_start_sec=1800 "
    "lsm=landlock,yama"
)

#: Programs, and the packages of Debian that have them.
_NEEDED = {
    "qemu-system-aarch64": "qemu-system-arm", "mcopy": "mtools", "mosquitto": "mosquitto",
    "mosquitto_sub": "mosquitto-clients", "sfdisk": "fdisk", "dumpe2fs": "e2fsprogs",
}  # fmt: skip

_CONFIG = """[node]
id = "vm"
computing = "plain"

[[source]]
id = "scene"
uri = "sigmf:{scene}"

[[band]]
id = "band0"
source = "scene"
backend = "litert"

"""


def seeds(port: int) -> dict[str, str]:
    """Return what cloud-init is to do at the first boot, by the names of its files.

    ``port`` is the broker's, on this machine.
    """
    config = _CONFIG.format(scene="/srv/scene") + FEW + f'[mqtt]\nurl = "mqtt://{_HOST}:{port}"\n'
    lines = "".join(f"      {line}\n" for line in config.splitlines())
    return {
        "meta-data": "instance-id: boot\nlocal-hostname: vm\n",
        "network-config": "version: 2\nethernets:\n  wired:\n    match:\n      name: 'e*'\n"
        "    dhcp4: true\n",
        "user-data": "#cloud-config\nssh_pwauth: false\n"
        # Only root sees the boot partition, and the recording is to be there before the observer.
        "bootcmd:\n  - cp /boot/firmware/scene.* /srv/ && chmod 644 /srv/scene.*\n"
        "write_files:\n  - path: /etc/edgespec/observer.toml\n    permissions: '0644'\n"
        f"    content: |\n{lines}",
    }


class Machine:
    """A virtual machine that boots a card.

    Args:
        card: image that is its disk, and is written to.
        folder: where kernel and initial RAM disk lie, and its log goes.
        arguments: of the kernel, beside the console's.
    """

    def __init__(self, card: Path, folder: Path, arguments: str, core: str) -> None:
        self.log = folder / "console.log"
        self._control = folder / "qemu"
        self._control.unlink(missing_ok=True)
        (kernel,) = folder.glob("vmlinuz-*")
        (ram_disk,) = folder.glob("initrd.img-*")
        self._process = subprocess.Popen(
            [
                need("qemu-system-aarch64", "qemu-system-arm"), "-machine", "virt", "-cpu", core,
                "-smp", "2", "-m", "2048", "-nographic", "-nodefaults", "-no-reboot",
                "-kernel", kernel, "-initrd", ram_disk,
                "-append", f"{arguments} {_PATIENCE} console=ttyAMA0",
                "-drive", f"file={card},format=raw,if=virtio,cache=unsafe",
                "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
                "-device", "virtio-rng-pci",
                "-serial", f"file:{self.log}",
                "-monitor", f"unix:{self._control},server,nowait",
            ]
        )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether it is on."""
        return self._process.poll() is None

    def power_down(self) -> bool:
        """Press its power button; return whether it is off, by itself, in time."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._control))
            control.sendall(b"system_powerdown\n")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_OFF_S)
        return not self.is_running

    def kill(self) -> None:
        """Pull its plug."""
        self._process.kill()
        self._process.wait()

    def tail(self) -> str:
        """Return the end of what it said."""
        text = self.log.read_bytes().decode(errors="replace") if self.log.exists() else ""
        return text[-1500:]


def _card(image: Path, work: Path, port: int, scene: Path) -> tuple[Path, str]:
    """Return a copy of a card with the test's seeds, and the kernel's arguments on it.

    Its kernel and initial RAM disk lie in ``work`` then.
    """
    card = work / "card.img"
    call(["cp", "--sparse=always", image, card])
    with card.open("r+b") as file:
        file.truncate(image.stat().st_size + _GROWS_BY)
    boot = f"{card}@@{_OFFSET}"
    for old in [*work.glob("vmlinuz-*"), *work.glob("initrd.img-*")]:
        old.unlink()
    call(["mcopy", "-i", boot, "-o", "::vmlinuz-*", "::initrd.img-*", "::cmdline.txt", f"{work}/"])
    for name, text in seeds(port).items():
        (work / name).write_text(text, encoding="utf-8")
    call(["mcopy", "-i", boot, "-o", *(work / name for name in seeds(port)),
          scene.with_suffix(".sigmf-meta"), scene.with_suffix(".sigmf-data"), "::"])  # fmt: skip
    # The card's consoles are not there.
    words = (work / "cmdline.txt").read_text(encoding="utf-8").split()
    return card, " ".join(word for word in words if not word.startswith("console="))


def _root_bytes(card: Path) -> int:
    """Return the size of the root's file system on a card."""
    table = json.loads(
        subprocess.run(
            [need("sfdisk", "fdisk"), "--json", card], capture_output=True, check=True
        ).stdout
    )
    start = table["partitiontable"]["partitions"][1]["start"] * 512
    said = subprocess.run(
        [need("dumpe2fs", "e2fsprogs"), "-h", f"{card}?offset={start}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = dict(re.findall(r"(?m)^(Block count|Block size): +(\d+)$", said))
    return int(found["Block count"]) * int(found["Block size"])


def _wait(machine: Machine, heard: Heard, n_events: int, limit_s: float) -> None:
    """Wait for events of the virtual machine.

    Raises:
        click.ClickException: they do not come in time, or it goes off.
    """
    begun = told = time.monotonic()
    while len(heard.messages("edgespec.event/")) < n_events:
        spent = time.monotonic() - begun
        if not machine.is_running or spent > limit_s:
            why = f"heard {len(heard.messages('edgespec.event/'))} of {n_events} events"
            how = f"in {spent:.0f} s" if machine.is_running else "before it went off"
            raise click.ClickException(f"{why} {how}; it said last:\n{machine.tail()}")
        if time.monotonic() - told > 60.0:
            told = time.monotonic()
            last = machine.tail().strip().rpartition("\n")[2]
            click.echo(f"{spent:.0f} s: {last[:120]}", err=True)
        time.sleep(1.0)


def _table(rows: Sequence[Sequence[str]], n_events: int) -> str:
    return (
        markdown_table(["what", "seconds"], rows, right_from=1)
        + f"\n\n{n_events} messages of events of {SECONDS:g} s of a recording at 5 MS/s, nothing "
        "compiled, few detectors: the same as on this processor. The file system of the root was "
        f"grown by what the card had more than the image ({_GROWS_BY >> 20} MiB)."
    )


@click.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("build/image-boot"),
    show_default=True,
    help="Where the copy of the card and the log of the console go.",
)
@click.option("--core", default="cortex-a72", show_default=True, help="Which qemu plays.")
@click.option("--limit", default=3600.0, show_default=True, help="Seconds until it is given up.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(image: Path, work: Path, core: str, limit: float, save: bool) -> None:
    """Boot the IMAGE of a card in a virtual machine until its observer has told of its events."""
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    # The last of them is called at the end, half an hour from here.
    for program, package in _NEEDED.items():
        need(program, package)
    scene = recorded_scene(work)
    shutil.rmtree(work / "state", ignore_errors=True)
    config = work / "here.toml"
    config.write_text(_CONFIG.format(scene=scene) + FEW, encoding="utf-8")
    here = observe(
        "this processor",
        [sys.executable, "-m", "edgespec", "monitor", "--json", "-c", config],
        {"PATH": "/usr/bin", "HOME": str(work), "STATE_DIRECTORY": str(work / "state")},
        record.ROOT,
    )
    with ExitStack() as ending:
        broker = Broker(work)
        ending.callback(broker.kill)
        heard = Heard(broker.port, work / "heard")
        ending.callback(heard.close)
        card, arguments = _card(image, work, broker.port, scene)
        begun = time.time()
        machine = Machine(card, work, arguments, core)
        ending.callback(machine.kill)
        _wait(machine, heard, len(here.events), limit)
        pressed = time.monotonic()
        is_off = machine.power_down()
        off_s = time.monotonic() - pressed
    # It plays the recording again and again.
    events = heard.messages("edgespec.event/")[: len(here.events)]
    wrong = differences(here.events, [event for _, event in events])
    if wrong:
        raise click.ClickException(f"it decides otherwise: {'; '.join(wrong)}")
    if not is_off:
        raise click.ClickException(f"it does not go off in {_OFF_S:.0f} s; {machine.tail()}")
    before, after = _root_bytes(image), _root_bytes(card)
    if after < before + _GROWS_BY * 0.9:
        raise click.ClickException(f"its root was not grown: {before} bytes, then {after}")
    times = {
        "first words of the observer": heard.messages("edgespec.")[0][0] - begun,
        "first event": events[0][0] - begun,
        "last event of the recording": events[-1][0] - begun,
        "from the power button to off": off_s,
    }
    text = _table([(name, f"{seconds:.0f}") for name, seconds in times.items()], len(events))
    click.echo(text)
    if save:
        result = {"machine": record.facts(), "core": core, "image": image.name, "seconds": times,
                  "image_bytes": image.stat().st_size, "root_bytes": [before, after]}  # fmt: skip
        click.echo(record.save("boot", "A card in a virtual machine", result, text, "boards"))


if __name__ == "__main__":
    main()
