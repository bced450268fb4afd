"""A text stream that may go away."""

import logging
from typing import TextIO

__all__ = ["Output"]

_LOG = logging.getLogger(__name__)


class Output:
    """Writes and flushes until that fails or it is closed, then writes nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_open = True

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

    def close(self) -> None:
        """Write nothing more; the stream stays open."""
        self._is_open = False
