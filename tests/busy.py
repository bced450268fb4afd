"""Run a Python command beside eight busy loops, to see that nothing in it depends on speed.

``python -m tests.busy -m pytest tests/edgespec/alarm`` ends with the exit code of the command. The
loops end when this process does, however it ends: each looks now and then whether it is alone.
"""

import os
import subprocess
import sys

N_LOOPS = 8
LOOP = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(1_000_000):
        pass
"""


def main() -> int:
    """Run the command line's rest and return its exit code."""
    parent = str(os.getpid())
    for _ in range(N_LOOPS):
        subprocess.Popen([sys.executable, "-c", LOOP, parent])
    return subprocess.call([sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
