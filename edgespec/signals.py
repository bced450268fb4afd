"""How a program answers Ctrl-C, and being asked to end."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interruptible", "stop_on_signals"]

#: A KeyboardInterrupt within what LLVM calls when it has compiled is thrown away by ctypes, which
#: says so, and Numba then fails for want of what was compiled. Compiling is in LLVM for seconds, so
#: nearly every Ctrl-C would come there. Python itself throws away what ends a ``__del__``, and the
#: compiler has many.
_COMPILER, _CALLED_BY_IT = "llvmlite.binding.executionengine", "_raw_object_cache"
_AGAIN_S = 0.05


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Make Ctrl-C and SIGTERM call ``stop``, to end cleanly; a second Ctrl-C ends at once.

    Within a block of :func:`interruptible` that holds until the block ends.
    """

    def handler(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, _interrupt)
        stop()

    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end the block by a KeyboardInterrupt, also while the compiler is at work.

    Whatever the block made of the two signals, afterwards they do what they did before.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            # Of a handler that was not set from Python nothing is known, and none can be set.
            if handler is not None:
                signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise a KeyboardInterrupt where it can get out, which may be in a moment."""
    while frame is not None:
        name, function = frame.f_globals.get("__name__"), frame.f_code.co_name
        is_called_by_it = name == _COMPILER and function.startswith(_CALLED_BY_IT)
        if is_called_by_it or function == "__del__":
            again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt
