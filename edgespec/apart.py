"""A program of ours that a running observer lets another process do, which yields to everybody."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event as Flag

__all__ = ["begin_apart", "last_words", "run_apart"]

_NICEST = 19
_POLL_S = 0.2


def run_apart(
    command: Sequence[str], data: bytes, stopping: Flag, longest_s: float, cache: Path
) -> bytes:
    """Return what a module of ours writes when it is run with something on its standard input.

    Args:
        command: its name, and what it is told.
        data: what it reads.
        stopping: ends it once it is set.
        longest_s: so long it may take.
        cache: folder in which matplotlib may keep its list of fonts.

    Raises:
        OSError: there is no such process, it failed, took too long or was stopped; ECHILD where a
            signal ended it, as that of a crash.
    """
    with begin_apart(command, cache) as process:
        try:
            waited_s = 0.0
            while True:
                try:
                    out, said = process.communicate(data, timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    data, waited_s = b"", waited_s + _POLL_S
                if stopping.is_set() or waited_s > longest_s:
                    raise OSError(0, "it was stopped" if stopping.is_set() else "it took too long")
        finally:
            process.kill()
    # Whoever is short of memory kills by SIGKILL.
    if process.returncode < 0 and process.returncode != -signal.SIGKILL:
        raise OSError(errno.ECHILD, f"signal {-process.returncode} ended it")
    if process.returncode:
        raise OSError(0, _last_of(said))
    return out


def begin_apart(command: Sequence[str], cache: Path) -> "subprocess.Popen[bytes]":
    """Return a process of a module of ours, with pipes, at the lowest priority.

    Raises:
        OSError: there is no such process.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C is the observer's to answer.
        start_new_session=True,
        env={"MPLCONFIGDIR": str(cache), **os.environ},
    )
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICEST)
    return process


def last_words(process: "subprocess.Popen[bytes]") -> str:
    """Return the last line that a process has said of what went wrong."""
    said = b"" if process.stderr is None else process.stderr.read()
    process.wait()
    return _last_of(said)


def _last_of(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it was ended"
