"""The rings between a source and its bands."""

import threading
import time

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources.reader import Reader
from edgespec.sources.ring import Ring
from tests.made.broker import PATIENCE_S, wait_for

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
    wait_for(condition, "the reader comes so far")


def drain(ring: Ring) -> list[tuple[int, int, float, float]]:
    got = []
    while True:
        block = ring.next_block(PATIENCE_S)
        if block is None:
            assert ring.finished
            return got
        got.append((block.sample_start, block.n_dropped, block.samples[0].real, block.samples[-1]))


def test_a_recording_arrives_whole_however_slow_the_worker(rng):
    source = Counting(50)
    with Reader(source, block_samples=100, n_blocks=3) as reader:
        starts = []
        while not reader.rings[0].finished:
            block = reader.rings[0].next_block(PATIENCE_S)
            if block is None:
                continue
            if rng.random() < 0.3:
                time.sleep(0.002)
            np.testing.assert_array_equal(block.samples, block.sample_start + np.arange(100))
            assert block.n_dropped == 0
            assert block.received_ns > 0
            starts.append(block.sample_start)
    assert starts == list(range(0, 5000, 100))
    assert reader.rings[0].n_dropped == reader.rings[0].n_overflows == 0
    assert source.n_closes == 1


def test_no_more_buffers_than_the_ring_and_one(rng):
    source = Counting(40)
    with Reader(source, block_samples=10, n_blocks=4) as reader:
        assert len(drain(reader.rings[0])) == 40
    assert len(source.buffers) <= 5


def test_a_worker_that_keeps_up_uses_few_buffers_of_a_large_ring():
    source = Counting(200, is_live=True)
    with Reader(source, block_samples=10, n_blocks=100) as reader:
        for _ in range(150):
            source.gate.release(1)
            assert reader.rings[0].next_block(PATIENCE_S) is not None
    # One that is filled, one that waits, one with the worker, and one for whoever is the faster.
    assert len(source.buffers) <= 4


def test_a_full_ring_holds_what_it_was_made_for_and_no_more():
    source = Counting(100, is_live=True)
    with Reader(source, block_samples=10, n_blocks=5) as reader:
        source.gate.release(50)
        wait_until(lambda: source.n_reads == 50)
        wait_until(lambda: reader.rings[0].n_overflows == 45)
        starts = [reader.rings[0].next_block(PATIENCE_S).sample_start for _ in range(5)]
        assert starts == [0, 10, 20, 30, 40]
        assert reader.rings[0].next_block(0.0) is None
    assert len(source.buffers) <= 6


def test_a_block_stays_untouched_until_the_next_is_asked_for():
    source = Counting(20)
    with Reader(source, block_samples=10, n_blocks=2) as reader:
        block = reader.rings[0].next_block(PATIENCE_S)
        time.sleep(0.05)
        np.testing.assert_array_equal(block.samples, np.arange(10))


def test_the_wait_of_a_recording_in_the_ring_is_no_latency():
    with Reader(Counting(3), block_samples=10, n_blocks=5) as reader:
        wait_until(lambda: reader.rings[0]._ended)
        for _ in range(3):
            asked_ns = time.monotonic_ns()
            assert reader.rings[0].next_block(PATIENCE_S).received_ns >= asked_ns


def test_the_wait_of_a_live_block_in_the_ring_is_latency():
    source = Counting(3, is_live=True)
    source.gate.release(4)
    with Reader(source, block_samples=10, n_blocks=5) as reader:
        wait_until(lambda: reader.rings[0]._ended)
        asked_ns = time.monotonic_ns()
        assert reader.rings[0].next_block(PATIENCE_S).received_ns < asked_ns


@pytest.mark.parametrize("n_lost", [1, 5, 17])
def test_overflow_of_a_live_source_is_marked_on_the_next_block(n_lost):
    source = Counting(100, is_live=True)
    with Reader(source, block_samples=10, n_blocks=3) as reader:
        source.gate.release(3 + n_lost)
        wait_until(lambda: source.n_reads == 3 + n_lost)
        # The ring is full with blocks 0 to 2; each one taken makes room for a new one.
        got = [reader.rings[0].next_block(PATIENCE_S).sample_start for _ in range(3)]
        assert reader.rings[0].next_block(0.0) is None
        wait_until(lambda: reader.rings[0].n_overflows == n_lost)
        source.gate.release(1)
        block = reader.rings[0].next_block(PATIENCE_S)
        assert got == [0, 10, 20]
        assert block.n_dropped == 10 * n_lost
        assert block.sample_start == 30 + 10 * n_lost
        assert block.samples[0].real == block.sample_start
        assert (reader.rings[0].n_dropped, reader.rings[0].n_overflows) == (10 * n_lost, n_lost)


def test_errors_of_the_source_reach_the_worker_after_the_blocks():
    with Reader(Counting(3, fails=True), block_samples=10, n_blocks=5) as reader:
        for _ in range(3):
            assert reader.rings[0].next_block(PATIENCE_S) is not None
        assert not reader.rings[0].finished
        with pytest.raises(SourceError, match="cable"):
            reader.rings[0].next_block(PATIENCE_S)
        assert reader.rings[0].finished
        assert reader.rings[0].next_block(PATIENCE_S) is None


def test_a_timeout_is_no_end():
    source = Counting(1, is_live=True)
    with Reader(source, block_samples=10, n_blocks=2) as reader:
        assert reader.rings[0].next_block(0.01) is None
        assert not reader.rings[0].finished
        source.gate.release(1)
        assert reader.rings[0].next_block(PATIENCE_S).n_samples == 10


@pytest.mark.parametrize("is_live", [True, False])
def test_closing_joins_the_thread(is_live):
    source = Counting(1000, is_live=is_live)
    reader = Reader(source, block_samples=10, n_blocks=2)
    reader.start()
    reader.close()
    reader.close()
    assert not reader._thread.is_alive()
    assert source.n_closes == 2


def test_who_overhears_takes_nothing_from_the_band_and_leaves_nothing():
    source = Counting(100, is_live=True)
    with Reader(source, block_samples=10, n_blocks=4) as reader:
        (ring,) = reader.rings
        with reader.overheard(40 / RATE_HZ, 10**6) as other, reader.overheard(1.0, 1) as slow:
            for start in range(0, 500, 10):
                source.gate.release(1)
                blocks = [one.next_block(PATIENCE_S) for one in (ring, other)]
                assert [one.sample_start for one in blocks] == [start, start]
                assert blocks[0].samples is blocks[1].samples
            # Two blocks of its own are the least; what it loses, nobody else does.
            assert [slow.next_block(0.0).sample_start for _ in range(2)] == [0, 10]
            source.gate.release(1)
            block = slow.next_block(PATIENCE_S)
            assert (block.sample_start, block.n_dropped) == (500, 480)
        assert reader.rings == (ring,)
        assert ring.n_dropped == 0
        # Of its own four, the band has one, and another waits for it.
        assert [one.n_holders for one in reader._free] == [0, 0]
    with reader.overheard(1.0, 10**6) as late:
        assert late.next_block(PATIENCE_S) is None
        assert late.finished


def test_closing_a_reader_that_never_started():
    source = Counting(1)
    Reader(source, block_samples=10, n_blocks=2).close()
    assert source.n_closes == 1


@pytest.mark.parametrize(("block_samples", "n_blocks"), [(0, 4), (10, 1)])
def test_rings_that_cannot_work(block_samples, n_blocks):
    with pytest.raises(UsageError, match="cannot work"):
        Reader(Counting(1), block_samples=block_samples, n_blocks=n_blocks)


# --- several bands of one source


def test_every_band_gets_the_whole_recording_at_its_own_pace(rng):
    source = Counting(60)
    got: dict[int, np.ndarray] = {}

    def work(number: int, ring: Ring, pauses_s: np.ndarray) -> None:
        starts = []
        while (block := ring.next_block(PATIENCE_S)) is not None:
            time.sleep(float(pauses_s[len(starts)]))
            np.testing.assert_array_equal(block.samples, block.sample_start + np.arange(10))
            starts.append(block.sample_start)
        got[number] = np.array(starts)

    with Reader(source, block_samples=10, n_blocks=3, n_rings=3) as reader:
        threads = [
            threading.Thread(target=work, args=(k, ring, rng.uniform(0, 0.002 * k, 61)))
            for k, ring in enumerate(reader.rings)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20.0)
        assert all(ring.finished for ring in reader.rings)
    for starts in got.values():
        np.testing.assert_array_equal(starts, np.arange(0, 600, 10))
    assert len(got) == 3
    # A block is in memory once, whoever waits for it.
    assert len(source.buffers) <= 3 * 3 + 1


def test_the_overflow_of_one_band_is_its_own():
    source = Counting(100, is_live=True)
    with Reader(source, block_samples=10, n_blocks=4, n_rings=2) as reader:
        quick, slow = reader.rings
        for number in range(30):
            source.gate.release(1)
            block = quick.next_block(PATIENCE_S)
            assert (block.sample_start, block.n_dropped) == (10 * number, 0)
            np.testing.assert_array_equal(block.samples, block.sample_start + np.arange(10))
        wait_until(lambda: slow.n_overflows == 26)
        assert (quick.n_dropped, quick.n_overflows) == (0, 0)
        assert [slow.next_block(PATIENCE_S).sample_start for _ in range(4)] == [0, 10, 20, 30]
        assert slow.next_block(0.0) is None
        source.gate.release(1)
        block = slow.next_block(PATIENCE_S)
        assert (block.sample_start, block.n_dropped) == (300, 260)
        assert slow.n_dropped == 260
        assert quick.next_block(PATIENCE_S).n_dropped == 0


def test_what_a_slow_band_works_on_is_not_overwritten_for_a_quick_one():
    source = Counting(100, is_live=True)
    with Reader(source, block_samples=10, n_blocks=2, n_rings=2) as reader:
        quick, slow = reader.rings
        source.gate.release(1)
        lent = slow.next_block(PATIENCE_S)
        for _ in range(30):
            assert quick.next_block(PATIENCE_S) is not None
            source.gate.release(1)
        np.testing.assert_array_equal(lent.samples, np.arange(10))


def test_a_recording_does_not_wait_for_a_band_that_has_left():
    with Reader(Counting(50), block_samples=10, n_blocks=2, n_rings=2) as reader:
        stays, leaves = reader.rings
        assert leaves.next_block(PATIENCE_S).sample_start == 0
        leaves.leave()
        assert len(drain(stays)) == 50


def test_a_source_without_bands_is_read_no_further():
    source = Counting(50)
    with Reader(source, block_samples=10, n_blocks=2) as reader:
        reader.rings[0].leave()
        wait_until(lambda: not reader._thread.is_alive())
    assert source.n_reads < 5


def test_every_band_is_told_that_the_source_broke():
    with Reader(Counting(2, fails=True), block_samples=10, n_blocks=5, n_rings=2) as reader:
        for ring in reader.rings:
            assert [ring.next_block(PATIENCE_S).sample_start for _ in range(2)] == [0, 10]
            with pytest.raises(SourceError, match="cable"):
                ring.next_block(PATIENCE_S)
            assert ring.finished
