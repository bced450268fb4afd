"""Lines and the one below them that overwrites itself."""

import io

import pytest

from edgespec.alarm.terminal import Terminal


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_after_the_end_nothing_is_written_and_the_stream_is_open() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.line("one")
    terminal.status("waiting")
    terminal.close()
    terminal.line("two")
    terminal.status("late")
    terminal.close()
    assert screen.getvalue() == "one\n\r\x1b[2Kwaiting\n"
    assert not screen.closed


def test_a_line_takes_the_place_of_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "6")
    screen = Screen()
    terminal = Terminal(screen)
    terminal.status("0123456789")
    terminal.line("one")
    terminal.line("two")
    terminal.close()
    assert screen.getvalue() == "\r\x1b[2K01234\r\x1b[2Kone\ntwo\n"
