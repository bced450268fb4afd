"""Run a Python command beside eight busy loops, to see that nothing in it depends on speed.

``python -m tests.busy -m pytest tests/edgespec/alarm`` ends with the exit code of the command.
"""

import subprocess
import sys

N_LOOPS = 8


def main() -> int:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(N_LOOPS)]
    try:
        return subprocess.call([sys.executable, *sys.argv[1:]])
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    sys.exit(main())
