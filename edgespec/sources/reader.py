"""The thread between a source and the worker: a bounded ring of buffers made beforehand."""

import time
from collections import deque
from dataclasses import replace
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.records import IqBlock
from edgespec.sources.source import Source

__all__ = ["Reader"]

_JOIN_S = 1.0
_Slot = NDArray[Any]


class Reader:
    """Reads a source in a thread of its own and hands out blocks in order.

    A recording waits when the ring is full, so nothing is lost. A live source does not wait:
    what finds no room is counted and stands as ``n_dropped`` on the next block.

    Args:
        source: open source; ``close`` closes it.
        block_samples: samples in a block.
        n_blocks: blocks in the ring, at least 2; one of them is with the consumer.
    """

    def __init__(self, source: Source, *, block_samples: int, n_blocks: int) -> None:
        if block_samples < 1 or n_blocks < 2:
            raise UsageError(
                f"a ring of {n_blocks} blocks of {block_samples} samples cannot work; it takes at "
                "least 2 blocks of at least 1 sample"
            )
        self._source = source
        self._is_live = source.info.is_live
        make = source.info.sample_format.empty
        self._free: deque[_Slot] = deque(make(block_samples) for _ in range(n_blocks))
        # One slot more than the ring has, so that a live source can be read while it is full.
        self._filling: _Slot = make(block_samples)
        self._filled: deque[tuple[IqBlock, _Slot]] = deque()
        self._lent: _Slot | None = None
        self._changed = Condition()
        self._stopping = Event()
        self._ended = False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="edgespec-reader", daemon=True)
        self.n_dropped = 0
        self.n_overflows = 0

    @property
    def finished(self) -> bool:
        """Whether the source ended and every block of it was handed out."""
        with self._changed:
            return self._ended and not self._filled and self._error is None

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def next_block(self, timeout_s: float | None = None) -> IqBlock | None:
        """Return the next block; its samples are valid until the next call.

        Returns None after ``timeout_s`` (None waits for good) or at the end; ``finished`` tells
        which.

        Raises:
            SourceError: the source broke; all blocks before that were handed out.
        """
        with self._changed:
            if self._lent is not None:
                self._free.append(self._lent)
                self._lent = None
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._filled or self._ended, timeout_s)
            if self._filled:
                block, self._lent = self._filled.popleft()
                if self._is_live:
                    return block
                # A recording was early, not late: its wait in the ring is no latency.
                return replace(block, received_ns=time.monotonic_ns())
            error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    def close(self) -> None:
        """Stop reading, close the source and wait for the thread; a second call does nothing.

        Raises:
            SourceError: the source cannot be closed; the thread has ended all the same.
        """
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        try:
            self._source.close()
        finally:
            if self._thread.is_alive():
                self._thread.join(_JOIN_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._read_all()
        except Exception as error:
            # Whatever broke belongs to the consumer, who cannot see this thread's traceback.
            with self._changed:
                self._error = None if self._stopping.is_set() else error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _read_all(self) -> None:
        n_lost = 0
        while not self._stopping.is_set():
            block = self._source.read(self._filling)
            if block is None:
                return
            received_ns = block.received_ns or time.monotonic_ns()
            with self._changed:
                if not self._is_live:
                    self._changed.wait_for(lambda: self._free or self._stopping.is_set())
                if self._stopping.is_set():
                    return
                if not self._free:
                    n_lost += block.n_dropped + block.n_samples
                    self.n_dropped += block.n_dropped + block.n_samples
                    self.n_overflows += 1
                    continue
                self.n_dropped += block.n_dropped
                if n_lost or block.received_ns != received_ns:
                    n_dropped = block.n_dropped + n_lost
                    block = replace(block, n_dropped=n_dropped, received_ns=received_ns)
                n_lost = 0
                self._filled.append((block, self._filling))
                # The one freed last is still in the cache, and those at the bottom of the pile are
                # not even in memory until the worker falls behind.
                self._filling = self._free.pop()
                self._changed.notify_all()
