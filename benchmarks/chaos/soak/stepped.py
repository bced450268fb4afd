"""An observer whose UTC can be stepped: ``python -m benchmarks.chaos.soak.stepped CLOCK ...``.

CLOCK holds a float64, the seconds that Python's UTC is ahead. libfaketime does the same for all of
a process and takes four times its processor, which no soak in real time can spare.
"""

import mmap
import struct
import sys
import time
from pathlib import Path

from edgespec.cli import main

__all__ = ["step_clock"]

_FORMAT = "<d"


def step_clock(path: Path, seconds: float) -> None:
    """Let UTC be so far ahead from now on."""
    with path.open("r+b") as file:
        file.write(struct.pack(_FORMAT, seconds))


def _replace_clocks(path: Path) -> None:
    """Let ``time.time`` and ``time.time_ns`` tell what the file says."""
    with path.open("rb") as file:
        ahead = mmap.mmap(file.fileno(), struct.calcsize(_FORMAT), access=mmap.ACCESS_READ)
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + struct.unpack(_FORMAT, ahead)[0]
    time.time_ns = lambda: nanoseconds() + round(struct.unpack(_FORMAT, ahead)[0] * 1e9)


if __name__ == "__main__":
    _replace_clocks(Path(sys.argv.pop(1)))
    main()
