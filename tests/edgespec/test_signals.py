"""Ctrl-C ends what is going on, whatever that is."""

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from edgespec.computing import compiler_is_off
from edgespec.signals import interruptible


def interrupt_within(function: str) -> None:
    """Send Ctrl-C once this thread is in a function of C that is called by one of that name."""
    of_caller = threading.get_ident()

    def watch() -> None:
        frame: FrameType | None = None
        while frame is None or frame.f_code.co_name != function:
            frame = sys._current_frames()[of_caller] if frame is None else frame.f_back
            time.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def interrupted(work: Callable[[], object]) -> bool:
    """Return whether Ctrl-C ends what begins with some work."""
    try:
        with interruptible():
            work()
            time.sleep(60.0)
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.skipif(compiler_is_off(), reason="the compiler is off")
def test_it_is_not_lost_while_the_compiler_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ctypes throws it away within what LLVM calls when it has compiled what is to be kept."""
    (tmp_path / "one_loop.py").write_text(
        "import numba\n\n\n@numba.njit(cache=True)\ndef total(values):\n    found = 0.0\n"
        "    for one in values:\n        found += one * one\n    return found\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    total = importlib.import_module("one_loop").total
    interrupt_within("finalize_object")
    assert interrupted(lambda: total((1.0, 2.0)))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_interrupts_what_is_going_on() -> None:
    assert interrupted(lambda: os.kill(os.getpid(), signal.SIGINT))
