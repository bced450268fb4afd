"""Ctrl-C ends what is going on, whatever that is."""

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import pytest
from numba.core.registry import cpu_target

from edgespec.computing import compiler_is_off
from edgespec.signals import interruptible, stop_on_signals


@pytest.fixture(autouse=True)
def ctrl_c_interrupts() -> Iterator[None]:
    """As in a terminal: what a shell starts in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
# What is interrupted may be an import, which leaves its file to be closed by itself.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_is_not_lost_while_the_compiler_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ctypes throws it away within what LLVM calls when it has compiled what is to be kept."""
    (tmp_path / "one_loop.py").write_text(
        "import numba\n\n\n@numba.njit(cache=True)\ndef total(values):\n    found = 0.0\n"
        "    for one in values:\n        found += one * one\n    return found\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    # Else each run would leave a folder in the cache that all of them share.
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    total = importlib.import_module("one_loop").total
    # Numba loads much of itself when it compiles for the first time.
    total((1, 2))
    engine = cpu_target.target_context.codegen()._engine._ee
    compiled = engine._object_cache_notify

    def compiled_and_interrupted(*told: object) -> None:
        monkeypatch.undo()
        os.kill(os.getpid(), signal.SIGINT)
        compiled(*told)

    monkeypatch.setattr(engine, "_object_cache_notify", compiled_and_interrupted)
    try:
        assert interrupted(lambda: total((1.0, 2.0)))
    finally:
        del sys.modules["one_loop"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_interrupts_what_is_going_on() -> None:
    assert interrupted(lambda: os.kill(os.getpid(), signal.SIGINT))


def test_it_is_not_lost_in_what_python_calls_when_an_object_goes() -> None:
    class Compiled:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    assert interrupted(Compiled)


def test_the_signals_do_afterwards_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruptible():
        stop_on_signals(lambda: None)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
