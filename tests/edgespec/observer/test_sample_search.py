"""A search beside the stream, whatever it looks for."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.observer.sample_search import Gathered, SampleSearch
from edgespec.records import IqBlock, SampleFormat


def gathered() -> Gathered:
    samples = np.arange(20, dtype=np.int16).reshape(10, 2)
    block = IqBlock(samples, 1e6, 0.0, 7, 0)
    held = Gathered(block, SampleFormat.CI16.empty(8))
    held.add(block)
    return held


@pytest.mark.parametrize("beside", [False, True])
def test_it_finds_in_what_was_gathered(beside: bool) -> None:
    def find(wave: NDArray[np.complex64], start: int) -> tuple[int, int]:
        return len(wave), start

    search = SampleSearch(gathered(), SampleFormat.CI16, find, "look")
    search.start(beside=beside)
    if search.thread is not None:
        search.thread.join(60)
    assert not search.is_running
    assert search.found == (8, 7)


def test_a_program_that_ends_waits_for_it() -> None:
    """A daemon that ends in a transform would take the process with it."""
    may_end = threading.Event()
    search = SampleSearch(
        gathered(), SampleFormat.CI16, lambda wave, start: may_end.wait(60), "look"
    )
    search.start(beside=True)
    assert search.thread is not None
    assert search.is_running
    assert not search.thread.daemon
    may_end.set()
    search.thread.join(60)
    assert search.found


def test_without_memory_nothing_is_found(caplog: pytest.LogCaptureFixture) -> None:
    def find(wave: NDArray[np.complex64], start: int) -> int:
        raise MemoryError

    search = SampleSearch(gathered(), SampleFormat.CI16, find, "look for cells")
    search.start(beside=False)
    assert search.found is None
    assert "not enough memory to look for cells" in caplog.text
