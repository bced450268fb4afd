"""Lines for people, and on a terminal one more below them that overwrites itself."""

import os
import shutil
from typing import TextIO

from edgespec.alarm.output import Output
from edgespec.records import EventType

__all__ = ["Terminal"]

_COLOURS = {EventType.NEW: "\x1b[1;31m", EventType.UPDATE: "\x1b[33m", EventType.END: "\x1b[32m"}
_PLAIN = "\x1b[0m"
_CLEAR_LINE = "\r\x1b[2K"


class Terminal:
    """Writes lines to a stream, which need not be a terminal.

    On one events have colours, unless ``NO_COLOR`` is set (https://no-color.org).
    """

    def __init__(self, stream: TextIO) -> None:
        self._output = Output(stream)
        self.is_terminal = stream.isatty()
        self._has_colours = self.is_terminal and not os.environ.get("NO_COLOR")
        self._has_status = False

    def line(self, text: str, event_type: EventType | None = None) -> None:
        """Write a line, in the colour of an event's message where it is one."""
        if event_type is not None and self._has_colours:
            text = f"{_COLOURS[event_type]}{text}{_PLAIN}"
        self._output.write(f"{_CLEAR_LINE if self._has_status else ''}{text}\n")
        self._has_status = False

    def status(self, text: str) -> None:
        """Overwrite the last line with as much as fits into it; only on a terminal."""
        n_columns = shutil.get_terminal_size().columns
        self._output.write(_CLEAR_LINE + text[: n_columns - 1])
        self._has_status = True

    def close(self) -> None:
        """Leave the cursor on a line of its own; the stream stays open."""
        if self._has_status:
            self._output.write("\n")
            self._has_status = False
        self._output.close()
