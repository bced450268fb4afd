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
from pathlib import Path

from benchmarks.chaos.trial import Trial

__all__ = ["cut_at", "places", "replaced_trial"]


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


def replaced_trial(
    what: str,
    path: Path,
    before: bytes,
    work: Callable[[Callable[[int], None]], None],
    is_good: Callable[[], bool],
    most: int,
) -> Trial:
    """Cut while a file takes the place of a good one; the old or the new one must be there.

    Args:
        what: the file, for people.
        path: where it is; other files in its folder are what cuts left, but for ``.toml``.
        before: its content before each cut.
        work: writes it.
        is_good: whether it can be read.
        most: cuts at most.
    """
    path.write_bytes(before)
    cut_at(1 << 40, work)
    n_bytes = path.stat().st_size
    n_lost = n_cuts = 0
    others: set[str] = set()
    for at in places(n_bytes, most):
        path.write_bytes(before)
        n_cuts += cut_at(at, work)[1]
        try:
            n_lost += not is_good()
        except Exception as error:
            n_lost += 1
            others |= {type(error).__name__} - {"ModelError", "ConfigError"}
    failed = f"{n_lost} times neither the old nor the new file" * bool(n_lost)
    if others:
        failed += f", and the reader raises {', '.join(sorted(others))}"
    n_left = sum(one != path for one in path.parent.iterdir() if one.suffix != ".toml")
    note = f"{n_left} temporary files stay" * bool(n_left)
    name = f"power cut at bytes of {what}, written over an older one"
    return Trial(name, n_cuts, n_cuts, n_lost, failed=failed, note=note)


def _say(file: int, number: int) -> None:
    os.write(file, bytes([number]))
