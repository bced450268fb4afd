"""A terminal for programs, and what a person sees on it at last."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence

__all__ = ["Screen", "picture", "run_on_terminal"]

_PIECES = re.compile(r"\x1b\[[\d;]*([A-Za-z])|[\r\n]|[^\r\n\x1b]+")


class Screen(io.StringIO):
    """A stream that says of itself that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def picture(written: str, n_columns: int = 80) -> list[str]:
    """Return the lines that a terminal shows, those above its upper edge, too.

    It knows the line feed, the return, and of the control sequences up, clearing a line, and
    colours, which it forgets; it fails at any other.
    """
    lines, row, column = [""], 0, 0
    end = 0
    for match in _PIECES.finditer(written):
        assert match.start() == end, written[end : match.start()]
        end = match.end()
        text, command = match[0], match[1]
        if command == "A":
            row -= int(text[2:-1] or 1)
            assert row >= 0
        elif command == "K":
            assert text == "\x1b[2K"
            lines[row] = ""
        elif command is not None:
            assert command == "m", text
        elif text == "\r":
            column = 0
        elif text == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        else:
            for character in text:
                if column == n_columns:
                    row, column = row + 1, 0
                    lines += [""] * (row + 1 - len(lines))
                lines[row] = (
                    lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
                )
                column += 1
    assert end == len(written)
    return [line.rstrip() for line in lines]


def run_on_terminal(
    arguments: Sequence[str], n_columns: int = 80, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run ``python ARGUMENTS`` with all streams on a terminal; return its exit code and output."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, n_columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        env={**kept, "TERM": "xterm", **(env or {})},
    )
    os.close(secondary)
    with process, os.fdopen(primary, "rb", buffering=0) as screen:
        written = b""
        while True:
            try:
                part = screen.read(65536)
            except OSError:
                # Linux says so that nobody has the other end any more.
                break
            if not part:
                break
            written += part
    return process.returncode, written.decode()
