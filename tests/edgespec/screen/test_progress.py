"""How far a command is: on a terminal and elsewhere, long and short, of a clock that is ours."""

import io
import os
import re
import subprocess
import sys
import threading

import pytest

from edgespec.screen.progress import Progress
from tests.made.screen import Screen, picture, run_on_terminal


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def plain_xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def heard(stream: io.StringIO, n_s: int, step_s: float = 0.1) -> Clock:
    """Tell every tenth of a second how far something is that takes so many seconds."""
    clock = Clock()
    with Progress("band", stream=stream, ticks=False, clock=clock) as progress:
        n = round(n_s / step_s)
        for k in range(n + 1):
            progress.at(f"heard {k * step_s:.0f} s", k / n)
            progress.tick()
            clock.now_s += step_s
    return clock


@pytest.mark.parametrize(("n_s", "n_lines"), [(2, 0), (4, 1), (60, 4)])
def test_elsewhere_what_is_short_is_silent_and_what_is_long_is_sparse(
    n_s: int, n_lines: int
) -> None:
    stream = io.StringIO()
    heard(stream, n_s)
    lines = stream.getvalue().splitlines()
    assert len(lines) == n_lines
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()
    if n_s == 60:
        assert lines[0] == "band: heard 3 s, about 57 s left"
        assert lines[-1] == "band: heard 48 s, about 12 s left"


def test_on_a_terminal_all_is_drawn_and_gone_at_the_end() -> None:
    screen = Screen()
    heard(screen, 10)
    written = screen.getvalue()
    assert not any(picture(written))
    for words in ("heard 0 s", "heard 5 s, about 5 s left", "heard 10 s"):
        assert words in written
    # Half of the bar.
    assert "\u2501" * 10 in written


def test_a_step_is_a_line_of_its_own_elsewhere() -> None:
    stream = io.StringIO()
    with Progress("measuring", stream=stream, ticks=False, clock=Clock()) as progress:
        progress.say("model")
        progress.say("path")
    assert stream.getvalue() == "measuring: model\nmeasuring: path\n"


@pytest.mark.parametrize("stream", [io.StringIO(), Screen()], ids=["file", "terminal"])
def test_what_says_nothing_is_said_to_go_on(stream: io.StringIO) -> None:
    clock = Clock()
    with Progress(stream=stream, ticks=False, clock=clock) as progress:
        progress.at("looking for cells")
        for _ in range(31):
            progress.tick()
            clock.now_s += 1.0
    said = [n for n in range(40) if f"looking for cells, for {n} s now" in stream.getvalue()]
    assert said == ([*range(3, 31)] if stream.isatty() else [3, 18])


def test_without_a_word_nothing_is_shown_and_none_is_shown_late() -> None:
    clock, screen = Clock(), Screen()
    with Progress(stream=screen, ticks=False, clock=clock) as progress:
        clock.now_s += 100.0
        progress.tick()
    assert screen.getvalue() == ""
    progress.at("late")
    progress.tick()
    assert "late" not in screen.getvalue()


def test_a_thread_says_it_and_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgespec.screen.progress._TICK_S", 0.001)
    told = threading.Event()

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            told.set()
            return super().write(text)

    clock, stream, n_before = Clock(), Stream(), threading.active_count()

    def fail() -> None:
        with Progress(stream=stream, clock=clock) as progress:
            progress.at("waiting")
            clock.now_s += 3.0
            assert told.wait(60.0)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert stream.getvalue() == "waiting, for 3 s now\n"
    assert threading.active_count() == n_before


PROGRAM = """
import sys
from edgespec.screen.progress import Progress

with Progress("band") as progress:
    progress.at("heard 1 of 2 s", 0.5)
    print("epoch 1", file=sys.stderr)
    print("{}")
    progress.at("heard 2 of 2 s", 1.0)
    progress.say("fitting")
print("result")
"""


@pytest.mark.parametrize(
    ("env", "has_controls", "bar"),
    [
        ({}, True, "\u2501"),
        ({"NO_COLOR": "1"}, True, "\u2501"),
        ({"TERM": "dumb"}, False, ""),
        ({"LC_ALL": "C", "PYTHONUTF8": "0"}, True, "-"),
        ({"PYTHONIOENCODING": "latin-1"}, True, "-"),
    ],
)
@pytest.mark.parametrize("n_columns", [40, 80])
def test_on_real_terminals(
    env: dict[str, str], has_controls: bool, bar: str, n_columns: int
) -> None:
    code, written = run_on_terminal(["-c", PROGRAM], n_columns, env)
    written = written.replace("\r\n", "\n")
    shown = picture(written, n_columns)
    assert code == 0
    assert ("\x1b" in written) == has_controls
    assert bar in written
    # Colours are 30 to 37 and 90 to 97.
    assert bool(re.search(r"\x1b\[(\d+;)*[39]\d", written)) == (
        has_controls and "NO_COLOR" not in env
    )
    if has_controls:
        # What is drawn is gone; results and lines of others stay.
        assert shown == ["epoch 1", "{}", "result", ""]
    else:
        assert shown == ["epoch 1", "{}", "band: fitting", "result", ""]


@pytest.mark.parametrize("env", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}])
def test_where_no_terminal_is_results_are_alone(env: dict[str, str]) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"{PROGRAM}\nprint('rich' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **env},
    )
    assert found.stdout == "{}\nresult\nFalse\n"
    assert found.stderr == "epoch 1\nband: fitting\n"
