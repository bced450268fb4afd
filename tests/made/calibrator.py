"""A program that says what one that calibrates does: it soon hears no more, and takes its time."""

import os
import sys
import time

if __name__ == "__main__":
    os.close(0)
    time.sleep(0.3)
    sys.stdout.write('0.5\n{"schema": "edgespec.calibrated/1", "kept": null}\n')
