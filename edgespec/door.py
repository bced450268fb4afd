"""The door of a loader: whatever the bytes behind it, one sentence of bounded length comes out."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgespec.errors import EdgespecError

__all__ = ["MESSAGE_CHARS", "brief", "door", "refuse_fifo"]

#: Longest message that leaves a door. Paths, names and values come from the files themselves.
MESSAGE_CHARS = 399
#: Where Linux shows what a process has open.
_OPEN = ("/dev/fd/", "/dev/stdin", "/proc/")


def brief(value: object, n_chars: int = 80) -> str:
    """Return a value on one line of at most ``n_chars`` printable characters, cut in the middle."""
    # Far more than fits is cut first, so that a value of megabytes costs nothing.
    text = str(value)
    if len(text) > 8 * n_chars:
        text = f"{text[: 4 * n_chars]}{text[-4 * n_chars :]}"
    text = " ".join(text.split())
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(text) <= n_chars:
        return text
    n_end = (n_chars - 3) // 2
    return f"{text[: n_chars - 3 - n_end]}...{text[len(text) - n_end :]}"


def refuse_fifo(path: Path) -> None:
    """Refuse what is to be read whole and is a FIFO: without a writer it is waited for in silence.

    What the shell has opened, as ``<(...)`` or standard input, has a writer.

    Raises:
        OSError: it is one.
    """
    if path.is_fifo() and not str(path).startswith(_OPEN):
        raise OSError(errno.EINVAL, "it is a pipe, which may have no writer")


@contextmanager
def door(what: str, kind: type[EdgespecError], advice: str) -> Iterator[None]:
    """Let nothing out of a ``with`` block but :class:`EdgespecError` with a short message.

    Args:
        what: what is being read, for the message.
        kind: what anything else becomes.
        advice: what the user can do about it.

    Raises:
        EdgespecError: whatever was raised in the block.
    """
    try:
        yield
    except EdgespecError as error:
        message = str(error)
        if len(message) <= MESSAGE_CHARS and message.isprintable():
            raise
        raise type(error)(brief(message, MESSAGE_CHARS)) from error
    except OSError as error:
        reason = error.strerror or brief(error, 120)
        raise kind(f"{brief(what, 160)} cannot be read ({reason}): {advice}") from error
    except Exception as error:
        # Parsers of several packages stand behind the doors, each with exceptions of its own, and
        # some of them say nothing but their class.
        reason = " ".join(filter(None, (type(error).__name__, brief(error, 100))))
        raise kind(f"{brief(what, 160)} cannot be read ({reason}): {advice}") from error
