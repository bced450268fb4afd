"""Signals that ask a program to end."""

import signal
from collections.abc import Callable
from types import FrameType

__all__ = ["stop_on_signals"]


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Make Ctrl-C and SIGTERM call ``stop``, to end cleanly; a second Ctrl-C ends at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)
