"""A text stream that may go away."""

import logging
import os
from typing import TextIO

__all__ = ["Output"]

_LOG = logging.getLogger(__name__)
#: Values of TERM (terminfo) of what can only be written on, line by line.
_DUMB = ("dumb", "unknown")


class Output:
    """Writes and flushes until that fails or it is closed, then writes nothing.

    Attributes:
        is_screen: whether it is a terminal on which lines can be overwritten.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_open = True
        self.is_screen = stream.isatty() and os.environ.get("TERM") not in _DUMB

    @property
    def encoding(self) -> str:
        """That of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal on which lines can be overwritten, as files say it."""
        return self.is_screen

    def write(self, text: str) -> None:
        """Write text; a reader that goes away (``| head``) ends the output, nothing else."""
        if not self._is_open:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._is_open = False
        except OSError as error:
            _LOG.warning("nothing more can be written here (%s); the monitor goes on", error)
            self._is_open = False

    def flush(self) -> None:
        """Write nothing: whatever is written is flushed."""

    def close(self) -> None:
        """Write nothing more; the stream stays open."""
        self._is_open = False
