"""What commands print on terminals of every kind, and where none is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgespec.alerts.incidents import IncidentTable
from edgespec.records import EventType
from tests.made.event import event_of
from tests.made.history import keep
from tests.made.screen import picture, run_on_terminal

PLAIN = {**os.environ, "COLUMNS": "30", "FORCE_COLOR": "1"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration, and an event that its observer remembers."""
    table = IncidentTable({"lte": 2e4})
    event = event_of(event_id="e1", event_type=EventType.END, band="lte", at_s=60.0, lasts_s=90.0)
    table.take(event)
    keep(tmp_path / "state", [event])
    (tmp_path / "state" / "events").mkdir()
    (tmp_path / "state" / "events" / "incidents.json").write_bytes(table.content())
    path = tmp_path / "edgespec.toml"
    path.write_text("[node]\nstate_dir = 'state'\n")
    return path


def run(config: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "edgespec", *arguments, "-c", str(config)],
        capture_output=True, check=False, env=PLAIN,
    )  # fmt: skip


def on_terminal(
    config: Path, *arguments: str, n_columns: int = 80, **env: str
) -> tuple[int, list[str]]:
    code, written = run_on_terminal(
        ["-m", "edgespec", *arguments, "-c", str(config)], n_columns, env
    )
    # Whatever was drawn meanwhile is gone.
    return code, [line for line in picture(written.replace("\r\n", "\n"), n_columns) if line]


@pytest.mark.parametrize("n_columns", [40, 80])
def test_events_fit_and_are_whole(config: Path, n_columns: int) -> None:
    elsewhere = run(config, "events", "list")
    heading, row = elsewhere.stdout.decode().splitlines()
    assert len(heading) > 80
    assert b"\x1b" not in elsewhere.stdout + elsewhere.stderr
    code, lines = on_terminal(config, "events", "list", n_columns=n_columns)
    assert code == 0
    assert max(map(len, lines)) <= n_columns
    assert " ".join(lines).split() == f"{heading} {row}".split()


def test_json_is_the_same_on_a_terminal(config: Path) -> None:
    elsewhere = run(config, "events", "list", "--json").stdout.decode()
    assert json.loads(elsewhere)["id"] == "e1"
    code, written = run_on_terminal(
        ["-m", "edgespec", "events", "list", "--json", "-c", str(config)], 40
    )
    assert (code, written.replace("\r\n", "\n")) == (0, elsewhere)


def test_a_locale_without_unicode_has_digits_for_bars(config: Path) -> None:
    code, lines = on_terminal(config, "incidents", LC_ALL="C", PYTHONUTF8="0")
    assert (code, lines[-1]) == (0, f"  00 {'.' * 8}8{'.' * 15} 24 h UTC")
    code, lines = on_terminal(config, "incidents", PYTHONUTF8="1")
    dot = "\u00b7"
    assert (code, lines[-1]) == (0, f"  00 {8 * dot}\u2588{15 * dot} 24 h UTC")


def test_a_reader_that_leaves_is_no_failure(config: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stream:
        found = subprocess.run(
            [sys.executable, "-m", "edgespec", "events", "list", "-c", str(config)],
            stdout=stream, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    # As click ends where nobody reads any more.
    assert (found.returncode, found.stderr) == (1, b"")


WATCH = [
    "-m", "edgespec", "monitor", "--computing", "plain", "--duration", "5.2",
    "--source", "sim:lte-dl?seed=2&sample_rate=5M&kind=tone&isr_db=10&start_s=4.3&duration_s=5",
]  # fmt: skip


def test_the_monitor_fits_into_80_columns() -> None:
    code, written = run_on_terminal(WATCH)
    lines = picture(written.replace("\r\n", "\n"))
    assert code == 0
    assert "\x1b[1;31m" in written
    heading = next(line for line in lines if line.startswith("time (UTC)"))
    assert lines[lines.index(heading) + 1].split()[0] == "peak"
    new = next(number for number, line in enumerate(lines) if " new " in line)
    assert len(lines[new].split()) == 6
    assert lines[new + 1].split()[1] == "dBFS"
    # The last state is whole, over as many lines as it takes, and below all that was said.
    assert "noise floor" in "".join(lines[-5:])
    assert "real time" in " ".join(lines[-5:])
