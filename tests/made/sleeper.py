"""A program that does nothing for long: ``python -m tests.made.sleeper``."""

import time

if __name__ == "__main__":
    time.sleep(600.0)
