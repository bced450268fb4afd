"""A process that dies at a given byte of any file that it writes, as in a power cut.

The kernel ends it: RLIMIT_FSIZE is the byte, and SIGXFSZ has its own meaning again. Nothing is
tidied up. What was written before is there, in order; what a disk makes of data that were never
forced to it, is tried apart.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial

__all__ = ["cut_at", "places"]


def cut_at(n_bytes: int, work: Callable[[Callable[[int], None]], None]) -> tuple[list[int], bool]:
    """Do the work in a process that dies at a byte; return what it has said, and whether it died.

    ``work`` is given a function with which it says numbers up to 255.
    """
    read, write = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        # Whatever happens, this process must not go on as if it were the other one.
        code = 1
        try:
            os.close(read)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
            work(partial(_say, write))
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    said = b""
    while piece := os.read(read, 4096):
        said += piece
    os.close(read)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"the work failed at byte {n_bytes}")
    return list(said), os.WIFSIGNALED(status)


def places(n_bytes: int, most: int) -> list[int]:
    """Return the bytes to cut at: all of them, or as many as are wanted, both ends among them."""
    if n_bytes <= most:
        return list(range(n_bytes + 1))
    return sorted({round(k * n_bytes / (most - 1)) for k in range(most)})


def _say(file: int, number: int) -> None:
    os.write(file, bytes([number]))
