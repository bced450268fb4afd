"""What a path opens that another program writes: a file, a FIFO, a device, standard input."""

import os
import stat
import sys

from edgespec.door import brief
from edgespec.errors import SourceError, UsageError

__all__ = ["open_descriptor"]


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
