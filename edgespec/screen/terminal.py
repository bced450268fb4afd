"""Lines for people, and on a terminal a text below them that overwrites itself."""

import atexit
from typing import TextIO

from edgespec.records import EventType
from edgespec.screen.output import Output
from edgespec.screen.table import width_of

__all__ = ["Terminal"]

_STYLES = {EventType.NEW: "bold red", EventType.UPDATE: "yellow", EventType.END: "green"}


class Terminal:
    """Writes lines to a stream, which need not be a terminal.

    On one events have colours, unless ``NO_COLOR`` is set (https://no-color.org).
    """

    def __init__(self, stream: TextIO) -> None:
        self._output, self._stream = Output(stream), stream
        self.is_terminal = self._output.is_screen
        if self.is_terminal:
            from edgespec.screen.live import LiveLine

            self._live = LiveLine(self._output, stays=True)
            # Whatever ends the program, its stderr is its own again.
            atexit.register(self._live.close)

    @property
    def width(self) -> int | None:
        """How many characters fit into a line of a terminal; None where none is."""
        return width_of(self._stream)

    def line(self, text: str, event_type: EventType | None = None) -> None:
        """Write a line, in the colour of an event's message where it is one."""
        if self.is_terminal:
            self._live.line(text, _STYLES.get(event_type, "") if event_type else "")
        else:
            self._output.write(f"{text}\n")

    def status(self, text: str) -> None:
        """Overwrite the text below the lines; only on a terminal."""
        self._live.show(text)

    def close(self) -> None:
        """Leave the cursor on a line of its own; the stream stays open."""
        if self.is_terminal:
            self._live.close()
        self._output.close()
