"""The ring between a source and the worker."""

import threading
import time

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources.reader import Reader

RATE_HZ = 1e6


class Counting:
    """A source whose samples are their own numbers; a gate lets a test decide when they come."""

    def __init__(self, n_blocks: int, *, is_live: bool = False, fails: bool = False) -> None:
        self.info = SourceInfo("test:", RATE_HZ, 0.0, SampleFormat.CF32, is_live)
        self.n_reads = 0
        self.n_closes = 0
        self.gate = threading.Semaphore(n_blocks + 1 if not is_live else 0)
        self._left = n_blocks
        self._fails = fails
        self._start = 0
        self._closed = threading.Event()
        self.buffers: set[int] = set()

    def read(self, out: np.ndarray) -> IqBlock | None:
        while not self.gate.acquire(timeout=0.01):
            if self._closed.is_set():
                return None
        if not self._left:
            if self._fails:
                raise SourceError("the cable was pulled")
            return None
        self._left -= 1
        self.buffers.add(out.ctypes.data)
        out[:] = np.arange(self._start, self._start + len(out))
        block = IqBlock(out, RATE_HZ, 0.0, self._start, 0)
        self._start += len(out)
        self.n_reads += 1
        return block

    def close(self) -> None:
        self.n_closes += 1
        self._closed.set()


def wait_until(condition) -> None:
    deadline_s = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


def drain(reader: Reader) -> list[tuple[int, int, float, float]]:
    got = []
    while True:
        block = reader.next_block(5.0)
        if block is None:
            assert reader.finished
            return got
        got.append((block.sample_start, block.n_dropped, block.samples[0].real, block.samples[-1]))


def test_a_recording_arrives_whole_however_slow_the_worker(rng):
    source = Counting(50)
    with Reader(source, block_samples=100, n_blocks=3) as reader:
        starts = []
        while not reader.finished:
            block = reader.next_block(5.0)
            if block is None:
                continue
            if rng.random() < 0.3:
                time.sleep(0.002)
            np.testing.assert_array_equal(block.samples, block.sample_start + np.arange(100))
            assert block.n_dropped == 0
            assert block.received_ns > 0
            starts.append(block.sample_start)
    assert starts == list(range(0, 5000, 100))
    assert reader.n_dropped == reader.n_overflows == 0
    assert source.n_closes == 1


def test_no_more_buffers_than_the_ring_and_one(rng):
    source = Counting(40)
    with Reader(source, block_samples=10, n_blocks=4) as reader:
        assert len(drain(reader)) == 40
    assert len(source.buffers) <= 5


def test_a_worker_that_keeps_up_uses_few_buffers_of_a_large_ring():
    source = Counting(200, is_live=True)
    with Reader(source, block_samples=10, n_blocks=100) as reader:
        for _ in range(150):
            source.gate.release(1)
            assert reader.next_block(5.0) is not None
    # One that is filled, one that waits, one with the worker, and one for whoever is the faster.
    assert len(source.buffers) <= 4


def test_a_full_ring_holds_what_it_was_made_for_and_no_more():
    source = Counting(100, is_live=True)
    with Reader(source, block_samples=10, n_blocks=5) as reader:
        source.gate.release(50)
        wait_until(lambda: source.n_reads == 50)
        wait_until(lambda: reader.n_overflows == 45)
        starts = [reader.next_block(5.0).sample_start for _ in range(5)]
        assert starts == [0, 10, 20, 30, 40]
        assert reader.next_block(0.0) is None
    assert len(source.buffers) <= 6


def test_a_block_stays_untouched_until_the_next_is_asked_for():
    source = Counting(20)
    with Reader(source, block_samples=10, n_blocks=2) as reader:
        block = reader.next_block(5.0)
        time.sleep(0.05)
        np.testing.assert_array_equal(block.samples, np.arange(10))


def test_the_wait_of_a_recording_in_the_ring_is_no_latency():
    with Reader(Counting(3), block_samples=10, n_blocks=5) as reader:
        wait_until(lambda: reader._ended)
        for _ in range(3):
            asked_ns = time.monotonic_ns()
            assert reader.next_block(5.0).received_ns >= asked_ns


def test_the_wait_of_a_live_block_in_the_ring_is_latency():
    source = Counting(3, is_live=True)
    source.gate.release(4)
    with Reader(source, block_samples=10, n_blocks=5) as reader:
        wait_until(lambda: reader._ended)
        asked_ns = time.monotonic_ns()
        assert reader.next_block(5.0).received_ns < asked_ns


@pytest.mark.parametrize("n_lost", [1, 5, 17])
def test_overflow_of_a_live_source_is_marked_on_the_next_block(n_lost):
    source = Counting(100, is_live=True)
    with Reader(source, block_samples=10, n_blocks=3) as reader:
        source.gate.release(3 + n_lost)
        wait_until(lambda: source.n_reads == 3 + n_lost)
        # The ring is full with blocks 0 to 2; each one taken makes room for a new one.
        got = [reader.next_block(5.0).sample_start for _ in range(3)]
        assert reader.next_block(0.0) is None
        wait_until(lambda: reader.n_overflows == n_lost)
        source.gate.release(1)
        block = reader.next_block(5.0)
        assert got == [0, 10, 20]
        assert block.n_dropped == 10 * n_lost
        assert block.sample_start == 30 + 10 * n_lost
        assert block.samples[0].real == block.sample_start
        assert (reader.n_dropped, reader.n_overflows) == (10 * n_lost, n_lost)


def test_errors_of_the_source_reach_the_worker_after_the_blocks():
    with Reader(Counting(3, fails=True), block_samples=10, n_blocks=5) as reader:
        for _ in range(3):
            assert reader.next_block(5.0) is not None
        assert not reader.finished
        with pytest.raises(SourceError, match="cable"):
            reader.next_block(5.0)
        assert reader.finished
        assert reader.next_block(5.0) is None


def test_a_timeout_is_no_end():
    source = Counting(1, is_live=True)
    with Reader(source, block_samples=10, n_blocks=2) as reader:
        assert reader.next_block(0.01) is None
        assert not reader.finished
        source.gate.release(1)
        assert reader.next_block(5.0).n_samples == 10


@pytest.mark.parametrize("is_live", [True, False])
def test_closing_joins_the_thread(is_live):
    source = Counting(1000, is_live=is_live)
    reader = Reader(source, block_samples=10, n_blocks=2)
    reader.start()
    reader.close()
    reader.close()
    assert not reader._thread.is_alive()
    assert source.n_closes == 2


def test_closing_a_reader_that_never_started():
    source = Counting(1)
    Reader(source, block_samples=10, n_blocks=2).close()
    assert source.n_closes == 1


@pytest.mark.parametrize(("block_samples", "n_blocks"), [(0, 4), (10, 1)])
def test_rings_that_cannot_work(block_samples, n_blocks):
    with pytest.raises(UsageError, match="cannot work"):
        Reader(Counting(1), block_samples=block_samples, n_blocks=n_blocks)
