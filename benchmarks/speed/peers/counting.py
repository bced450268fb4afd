"""Runs a program under callgrind, which counts only what the program says is to be counted."""

import ctypes
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgespec.errors import EdgespecError

__all__ = ["compile_switch", "counted", "run_counted"]

_SOURCE = Path(__file__).with_name("callgrind.c")
_VALGRIND = ("valgrind", "--tool=callgrind", "--instr-atstart=no")


def compile_switch(folder: Path) -> Path:
    """Compile what :func:`counted` needs and return its path.

    Raises:
        EdgespecError: there is no compiler, or no valgrind.
    """
    if shutil.which("valgrind") is None or shutil.which("cc") is None:
        raise EdgespecError("counting needs valgrind and cc; on Debian: apt install valgrind gcc")
    library = folder / "callgrind.so"
    command = ["cc", "-O1", "-shared", "-fPIC", str(_SOURCE), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EdgespecError(f"{_SOURCE.name} does not compile: {done.stderr.strip()}")
    return library


@contextmanager
def counted(library: Path) -> Iterator[None]:
    """Count the instructions of what runs inside, if this process is under callgrind."""
    switch = ctypes.CDLL(str(library))
    switch.counting_start()
    try:
        yield
    finally:
        switch.counting_stop()


def run_counted(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return the instructions that a program has run inside :func:`counted`.

    Raises:
        EdgespecError: it ended badly, or nothing was counted.
    """
    under = [*_VALGRIND, "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(under, env=dict(environment), capture_output=True, text=True, check=False)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode or found is None:
        raise EdgespecError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return int(found[1])
