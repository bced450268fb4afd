"""A search beside the stream, whatever it looks for."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.observer.cell.sample_search import Gathered, SampleSearch
from edgespec.records import IqBlock, SampleFormat

Between = Callable[[], None]


def gathered() -> Gathered:
    samples = np.arange(20, dtype=np.int16).reshape(10, 2)
    block = IqBlock(samples, 1e6, 0.0, 7, 0)
    held = Gathered(block, SampleFormat.CI16.empty(8))
    held.add(block)
    return held


@pytest.mark.parametrize("beside", [False, True])
def test_it_finds_in_what_was_gathered(beside: bool) -> None:
    def find(wave: NDArray[np.complex64], start: int, between: Between) -> tuple[int, int]:
        return len(wave), start

    search = SampleSearch(gathered(), SampleFormat.CI16, find, "look", threading.Event())
    search.start(beside=beside)
    if search.thread is not None:
        search.thread.join(60)
    assert not search.is_running
    assert search.found == (8, 7)


def test_a_program_that_ends_waits_for_it() -> None:
    """A daemon that ends in a transform would take the process with it."""
    may_end = threading.Event()
    search = SampleSearch(
        gathered(),
        SampleFormat.CI16,
        lambda wave, start, between: may_end.wait(60),
        "look",
        threading.Event(),
    )
    search.start(beside=True)
    assert search.thread is not None
    assert search.is_running
    assert not search.thread.daemon
    may_end.set()
    search.thread.join(60)
    assert search.found


def test_without_memory_nothing_is_found(caplog: pytest.LogCaptureFixture) -> None:
    def find(wave: NDArray[np.complex64], start: int, between: Between) -> int:
        raise MemoryError

    search = SampleSearch(gathered(), SampleFormat.CI16, find, "look for cells", threading.Event())
    search.start(beside=False)
    assert search.found is None
    assert "not enough memory to look for cells" in caplog.text


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("of_all", [False, True])
def test_one_that_is_stopped_ends_before_its_next_step(beside: bool, of_all: bool) -> None:
    stopping, n_steps = threading.Event(), 0

    def find(wave: NDArray[np.complex64], start: int, between: Between) -> int:
        nonlocal n_steps
        for n_steps in range(1_000_000):
            between()
            if n_steps == 5:
                stopping.set() if of_all else search.stop()
        return n_steps

    search = SampleSearch(gathered(), SampleFormat.CI16, find, "look", stopping)
    search.start(beside=beside)
    if search.thread is not None:
        search.thread.join(60)
    assert (n_steps, search.found) == (6, None)


def test_one_that_was_stopped_before_does_not_begin() -> None:
    stopping = threading.Event()
    stopping.set()
    search = SampleSearch(
        gathered(), SampleFormat.CI16, lambda wave, start, between: 1, "look", stopping
    )
    search.start(beside=False)
    assert search.found is None
