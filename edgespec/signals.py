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
#: nearly every Ctrl-C would come there.
_COMPILER, _CALLED_BY_IT = "llvmlite.binding.executionengine", "_raw_object_cache"
_AGAIN_S = 0.05


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Make Ctrl-C and SIGTERM call ``stop``, to end cleanly; a second Ctrl-C ends at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, _interrupt)
        stop()

    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end the block by a KeyboardInterrupt, also while the compiler is at work."""
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if is_ours and signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise a KeyboardInterrupt where it can get out, which may be in a moment."""
    while frame is not None:
        name, function = frame.f_globals.get("__name__"), frame.f_code.co_name
        if name == _COMPILER and function.startswith(_CALLED_BY_IT):
            again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt
