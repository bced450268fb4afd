"""A program that says what one that calibrates does, and hears nothing of what it is given."""

import sys

if __name__ == "__main__":
    sys.stdout.write('0.5\n{"schema": "edgespec.calibrated/1", "kept": null}\n')
