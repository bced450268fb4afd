"""A program that crashes at once, as a runtime does that was given what it cannot take."""

import os
import signal

if __name__ == "__main__":
    os.kill(os.getpid(), signal.SIGSEGV)
