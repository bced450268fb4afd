"""What a path opens that another program writes: a file, a FIFO, a device, standard input."""

import logging
import os
import select
import stat
import sys

from edgespec.door import brief
from edgespec.errors import SourceError, UsageError

__all__ = ["open_descriptor", "wait_for_writer"]

_LOG = logging.getLogger(__name__)
#: In seconds. A writer that is there has begun by then.
_PROMPT_S = 1.0


def wait_for_writer(poller: select.poll, name: str) -> list[tuple[int, int]]:
    """Return what of a poller is ready first, and say what is waited for where that takes long.

    Args:
        poller: of what another program is to write, and of what ends the wait.
        name: of the former.
    """
    ready = poller.poll(_PROMPT_S * 1000)
    if not ready:
        _LOG.info("waiting for a writer of %s", "standard input" if name == "-" else name)
        ready = poller.poll()
    return ready


def open_descriptor(path: str, scheme: str, content: str, writer: str) -> int:
    """Return an open descriptor; ``-`` is standard input, of which it is a copy.

    A FIFO is opened also while nobody writes: the first read waits.

    Args:
        path: of the file, FIFO or device, or ``-``.
        scheme: of the address, for people.
        content: what is read from it.
        writer: what is to be piped into it.

    Raises:
        UsageError: standard input is a terminal.
        SourceError: it cannot be opened, or is a folder.
    """
    name = brief(path, 160)
    try:
        if path == "-":
            if sys.stdin is None or sys.stdin.closed:
                raise SourceError(f"standard input is closed: pipe {content} into it")
            descriptor = os.dup(sys.stdin.fileno())
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError) as error:
        raise SourceError(
            f"cannot open {name}: {brief(error, 100)}: check the path and its permissions"
        ) from error
    if stat.S_ISDIR(mode) or os.isatty(descriptor):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise SourceError(f"{name} is a folder: give the path of a file")
        raise UsageError(
            f"{scheme}:- reads standard input, which is a terminal: pipe {writer} into it"
        )
    return descriptor
