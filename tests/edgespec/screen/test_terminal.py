"""Lines that stay, and the text below them that overwrites itself."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgespec.logs import begin_logs
from edgespec.records import EventType
from edgespec.screen.terminal import Terminal
from tests.made.screen import Screen, picture, run_on_terminal

STATUS = "quiet | level -50.0 dBFS | noise floor -92.1 dBFS | 30 segments | broker unreachable"


@pytest.fixture(autouse=True)
def plain_xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("n_columns", [1, 20, 40, 80, 200])
def test_no_width_cuts_or_crashes(monkeypatch: pytest.MonkeyPatch, n_columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(n_columns))
    screen, words = Screen(), ("ALARM", STATUS)
    terminal = Terminal(screen)
    for word in words:
        terminal.status(word)
    terminal.line("0123456789" * 20, EventType.NEW)
    terminal.status(STATUS)
    terminal.close()
    shown = picture(screen.getvalue(), n_columns)
    # A line that stays is long as it is: the terminal wraps it, and copies it whole.
    n_lines = -(-200 // n_columns)
    assert "".join(shown[:n_lines]) == "0123456789" * 20
    assert "".join(shown[n_lines:]).replace(" ", "") == STATUS.replace(" ", "")
    assert max(map(len, shown)) <= n_columns
    assert shown[-1] == ""


def test_after_the_end_nothing_is_written_and_the_stream_is_open() -> None:
    screen, stderr = Screen(), sys.stderr
    terminal = Terminal(screen)
    terminal.line("one")
    terminal.status("waiting")
    terminal.close()
    terminal.line("two")
    terminal.status("late")
    terminal.close()
    assert picture(screen.getvalue()) == ["one", "waiting", ""]
    assert not screen.closed
    assert sys.stderr is stderr


def test_the_cursor_is_never_hidden() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.status("waiting")
    # Whoever is killed here leaves the terminal as it was.
    assert "\x1b[?25l" not in screen.getvalue()
    terminal.close()


def test_a_line_takes_the_place_of_the_status() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.status("0123456789")
    terminal.line("one")
    terminal.line("two")
    terminal.close()
    assert picture(screen.getvalue()) == ["one", "two", "0123456789", ""]


@pytest.mark.parametrize(
    ("env", "has_colours", "has_controls"),
    [
        ({}, True, True),
        ({"NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_colours_and_controls(
    monkeypatch: pytest.MonkeyPatch,
    env: dict[str, str],
    has_colours: bool,
    has_controls: bool,
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    terminal = Terminal(screen)
    for event_type in EventType:
        terminal.line(str(event_type), event_type)
    if terminal.is_terminal:
        terminal.status("first")
        terminal.status("last")
    terminal.close()
    written = screen.getvalue()
    assert ("\x1b[1;31m" in written, "\x1b[33m" in written) == (has_colours, has_colours)
    assert ("\x1b" in written) == has_controls
    assert picture(written)[:3] == [str(one) for one in EventType]


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE", "CLICOLOR_FORCE"])
def test_no_controls_where_no_terminal_is(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("COLUMNS", "10")
    stream = io.StringIO()
    terminal = Terminal(stream)
    assert not terminal.is_terminal
    terminal.line(STATUS, EventType.NEW)
    terminal.close()
    assert stream.getvalue() == f"{STATUS}\n"


PROGRAM = """
import logging, sys
from edgespec.logs import begin_logs
from edgespec.screen.terminal import Terminal

begin_logs("text", is_verbose=False)
terminal = Terminal(sys.stdout)
terminal.status("\u2581 waiting, as before")
logging.getLogger("edgespec").warning("the radio is slow")
terminal.status("waiting, as now")
"""


def test_log_lines_come_above_the_status_and_stderr_is_given_back() -> None:
    # It never closes its terminal, as one that fails.
    code, written = run_on_terminal(["-c", PROGRAM])
    assert (code, picture(written.replace("\r\n", "\n"))) == (
        0, ["WARNING: the radio is slow", "waiting, as now", ""],
    )  # fmt: skip


def test_log_lines_to_a_file_stay_in_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code, written = run_on_terminal(
        ["-c", f"import sys; sys.stderr = open({str(log)!r}, 'w'){PROGRAM}"]
    )
    assert code == 0
    assert log.read_text(encoding="utf-8") == "WARNING: the radio is slow\n"
    assert "slow" not in written


def test_without_a_terminal_rich_is_not_loaded() -> None:
    code = f"{PROGRAM.replace('terminal.status', 'terminal.line')}print('rich' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert found.stdout.decode().splitlines()[-1] == "False"


def test_logs_go_to_what_is_stderr_at_the_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    begin_logs("text", is_verbose=False)
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    logging.getLogger("edgespec").warning("late")
    assert later.getvalue() == "WARNING: late\n"
    assert capsys.readouterr().err == ""
