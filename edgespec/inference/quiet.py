"""Keeps a C library's banner off standard error; everything else it says comes through."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

__all__ = ["without_banner"]


@contextlib.contextmanager
def without_banner(prefix: bytes) -> Iterator[None]:
    """Hold back standard error, then pass on all lines but those that start with ``prefix``.

    Works on the file descriptor, because the library writes there and has no setting for it.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    try:
        original = os.dup(2)
    except OSError:  # a daemon without standard error has nothing to keep clean
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            kept = b"".join(line for line in held if not line.startswith(prefix))
            if kept:
                with contextlib.suppress(OSError):
                    os.write(2, kept)
