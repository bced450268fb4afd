"""README's first evening, word by word: an empty folder, a recording on the air, an alarm.

The radio is an rtl_tcp server that streams a simulated cell, and an interferer beside it once the
observer is warm; the broker is mosquitto. The broker's port alone is put into the commands. Then a
model of one's own, as printed there; what is added to a command so that it ends soon is listed.
"""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sigmf

from edgespec.records import SampleFormat
from edgespec.sources import open_source
from tests.made.broker import Broker, wait_for
from tests.made.observer import REPOSITORY, environment
from tests.made.rtl_tcp_server import RtlTcpServer

#: What is not run here, by how it begins, and why.
LEFT_OUT = {
    "sudo apt install": "it changes the system, and a dongle's driver is of no use without one",
    "python3 -m venv": "the suite runs in an environment of its own, made of the same packages",
    "edgespec calibrate": "it hears half an hour of a radio; its own tests hear less",
}
#: What makes a command end soon.
ADDED = {
    "edgespec-converter train": " --epochs 1 --windows 40 --units 8",
    "edgespec monitor --source": " --duration 6",
}
RTL_TCP = 1234
#: A whole number of radio frames, so that the cell goes on where the loop begins again.
LOOP = "sim:lte-dl?seed=4&sample_rate=1.92M&center_freq=806M&duration_s=3&bits=8&snr_db=20&load=0.6"
OTHER = "&kind=wideband&isr_db=0&bandwidth_hz=300k&offset_hz=400k"


class Air(RtlTcpServer):
    """A band that is normal until somebody else begins to send."""

    def __init__(self, normal: bytes, busy: bytes) -> None:
        super().__init__(normal, rate_hz=1.92e6, port=RTL_TCP, piece_bytes=38_400)
        self.busy = busy
        self.is_busy = False

    def _piece(self, at: int) -> bytes:
        place = at % len(self._data)
        return (self.busy if self.is_busy else self._data)[place : place + self._piece_bytes]


def readme_commands(number: int) -> list[str]:
    """Return the lines of a block of commands below the evening's heading."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    evening = text.split("## The first evening with a radio", 1)[1]
    return re.findall(r"```sh\n(.*?)```", evening, re.DOTALL)[number].splitlines()


class Desk:
    """An empty folder of somebody who has installed both programs, and types."""

    def __init__(self, folder: Path) -> None:
        self.home, self.work, programs = folder / "home", folder / "work", folder / "bin"
        for one in (self.home, self.work, programs):
            one.mkdir()
        # What pip puts there.
        for name, module in (("edgespec", "edgespec"), ("edgespec-converter", "converter")):
            script = programs / name
            script.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
            script.chmod(0o755)
        env = environment(self.home / ".local/state")
        self.env = env | {"HOME": str(self.home), "PATH": f"{programs}:{env['PATH']}"}

    def run(self, line: str) -> "subprocess.CompletedProcess[str]":
        """Type a line that is to go well."""
        done = subprocess.run(
            ["bash", "-c", line],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.work,
            env=self.env,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, line: str, out: Path) -> "subprocess.Popen[bytes]":
        with out.open("wb") as stream:
            return subprocess.Popen(
                ["bash", "-c", f"exec {line}"],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=self.work,
                env=self.env,
            )


def heard(uri: str) -> bytes:
    source = open_source(uri)
    parts = []
    while (block := source.read(SampleFormat.CU8.empty(65_536))) is not None:
        parts.append(block.samples.tobytes())
    source.close()
    return b"".join(parts)


def a_port_is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.slow_without_jit
def test_the_first_evening_word_by_word(tmp_path: Path, broker: Broker) -> None:
    pytest.importorskip("matplotlib", reason="README's evening draws pictures")
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto_sub is not installed")
    if not a_port_is_free(RTL_TCP):
        pytest.skip("port 1234 is taken, where setup looks for an rtl_tcp")
    commands = [one for one in readme_commands(0) if not one.startswith(tuple(LEFT_OUT))]
    names = [one.split()[:2] for one in commands]
    assert [name[1] for name in names if name[0] == "edgespec"] == [
        *("setup", "doctor", "look", "monitor"),
    ]
    desk = Desk(tmp_path)
    home, work = desk.home, desk.work

    def typed(line: str) -> str:
        line = line.replace("mqtt://localhost", f"mqtt://localhost:{broker.port}")
        return line.replace("mosquitto_sub", f"mosquitto_sub -p {broker.port}")

    *first, monitor, listen = commands
    said, log = work / "said", work / "log"
    with Air(heard(LOOP), heard(LOOP + OTHER)) as air:
        for line in first:
            desk.run(typed(line))
        assert "rtl_tcp:127.0.0.1:1234" in (work / "edgespec.toml").read_text()
        assert (work / "now.png").read_bytes().startswith(b"\x89PNG")
        listening = desk.start(typed(listen), said)
        watching = desk.start(typed(monitor), log)
        try:

            def is_warm() -> bool:
                assert watching.poll() is None, log.read_text()
                states = messages(said, "/state", "edgespec.state/1")
                return any(
                    one["warmup_left_s"] == 0 and (one["cell"] or {}).get("state") == "tracking"
                    for one in states
                )

            wait_for(is_warm, "the observer is warm")
            air.is_busy = True
            evidence = home / ".local/state/edgespec/evidence"

            def pictured() -> list[Path]:
                """Return the recordings of the alarm that is no normal signal, with a picture."""
                ids = {
                    one["id"]
                    for one in messages(said, "/events", "edgespec.event/2")
                    if one["alert"] and one["detector"] == "residual"
                }
                return [
                    meta
                    for meta in evidence.glob("*.sigmf-meta")
                    if meta.with_suffix(".png").exists() and ids & ids_in(meta)
                ]

            wait_for(lambda: bool(pictured()), "an alarm with its recording and its picture")
            (meta,) = pictured()
            watching.send_signal(signal.SIGINT)
            watching.wait(60.0)
        finally:
            for process in (watching, listening):
                process.kill()
                process.wait()
    assert watching.returncode == 0, log.read_text()
    recording = sigmf.fromfile(meta)
    recording.validate()
    assert len(recording.read_samples()) > 1.92e6
    assert meta.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    # Nothing is compiled any more, and no sample waited for it.
    assert "compiling" not in log.read_text()


@pytest.mark.converter
@pytest.mark.slow_without_jit
def test_a_model_of_ones_own_as_printed(tmp_path: Path) -> None:
    if not a_port_is_free(RTL_TCP):
        pytest.skip("port 1234 is taken, where README's last command looks for an rtl_tcp")
    if find_spec("tensorflow") is None:
        pytest.skip("needs the extra converter")
    desk, said = Desk(tmp_path), ""
    long = LOOP.replace("duration_s=3", "duration_s=10")
    desk.run(f"edgespec record --source '{long}&patient=1' -o normal --seconds 10")
    with Air(heard(LOOP), b""):
        for line in readme_commands(1):
            words = line.partition("#")[0].rstrip()
            added = [more for begin, more in ADDED.items() if line.startswith(begin)]
            done = desk.run(words + "".join(added))
            said += done.stdout + done.stderr
    # One recording is enough, and it is said what that is worth.
    assert "1 recordings are too few to be split by recording" in said
    assert "epoch 1/1: loss" in said
    assert "Calibrate on recordings of at least" in said
    assert "model lstm" in said
    assert (desk.work / "cell.edgespec").stat().st_size > 10_000


def ids_in(meta: Path) -> set[str]:
    annotations = json.loads(meta.read_text())["annotations"]
    return {one["core:uuid"] for one in annotations}


def messages(said: Path, ending: str, schema: str) -> list[dict[str, Any]]:
    """Return what mosquitto_sub printed of topics with this ending, as far as lines are whole."""
    found = []
    for line in said.read_text(errors="replace").split("\n")[:-1]:
        topic, _, text = line.partition(" ")
        if topic.endswith(ending) and text.startswith("{"):
            one = json.loads(text)
            found += [one] if one["schema"] == schema else []
    return found
