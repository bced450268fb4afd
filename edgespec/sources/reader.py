"""The thread between a source and its bands: every block goes into the ring of every band."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Self

from edgespec.errors import UsageError
from edgespec.records import IqBlock
from edgespec.sources.ring import Ring, Slot
from edgespec.sources.source import Source

__all__ = ["Reader"]

_JOIN_S = 1.0
_LEAST_SWEEPS = 16


class Reader:
    """Reads a source in a thread of its own and hands its blocks to the rings, in order.

    A recording waits while a ring is full, so nothing is lost. A live source does not wait: a ring
    without room loses the block, the others do not.

    Args:
        source: open source; ``close`` closes it.
        block_samples: samples in a block.
        n_blocks: blocks in each ring, at least 2; one of them is with the band.
        n_rings: how many bands are watched in the source.
        centers_hz: of a radio that is tuned to its bands in turn, which of its blocks each of them
            takes; without any, each takes all.

    Attributes:
        rings: one for each band.
        heard_ns: when the source last gave a block, on the monotonic clock; 0 before the first.
    """

    def __init__(
        self,
        source: Source,
        *,
        block_samples: int,
        n_blocks: int,
        n_rings: int = 1,
        centers_hz: Sequence[float | None] = (),
    ) -> None:
        if block_samples < 1 or n_blocks < 2 or n_rings < 1:
            raise UsageError(
                f"{n_rings} rings of {n_blocks} blocks of {block_samples} samples cannot work; it "
                "takes at least one of 2 blocks of at least 1 sample"
            )
        self._source, self._block_samples = source, block_samples
        # Whoever makes sweeps has room for the few that wait; none is to be lost.
        self._is_live = source.info.is_live and source.info.grid is None
        self._changed = Condition()
        # As many as all rings can hold, so that no ring is short of one because of another. Those
        # at the bottom of the pile are not even in memory until a band falls behind.
        make = source.info.empty
        self._free = deque(Slot(make(block_samples)) for _ in range(n_rings * n_blocks))
        # One more, so that a live source can be read while the rings are full.
        self._filling = Slot(make(block_samples))
        self.rings = tuple(
            Ring(
                n_blocks,
                center_freq_hz=center_freq_hz,
                is_live=self._is_live,
                changed=self._changed,
                give_back=self._free.append,
            )
            for center_freq_hz in centers_hz or (None,) * n_rings
        )
        self.heard_ns = 0
        self._has_ended = False
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="edgespec-reader", daemon=True)

    @property
    def block_samples(self) -> int:
        """Samples in a block, at most."""
        return self._block_samples

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    @contextmanager
    def overheard(
        self, longest_s: float, max_bytes: int, center_freq_hz: float | None = None
    ) -> Iterator[Ring]:
        """Give a ring to somebody else for a while, who takes nothing from the bands.

        Only a recording waits for it. Its buffers are made here, not while blocks come.

        Args:
            longest_s: so much signal may wait in it.
            max_bytes: of memory, where that is less.
            center_freq_hz: of the blocks that are wanted; None: of all.
        """
        info, n_samples = self._source.info, self._block_samples
        n_blocks = round(longest_s * info.sample_rate_hz / n_samples)
        n_most = max_bytes // (n_samples * info.sample_format.sample_bytes)
        # Of sweeps, a few may come at once.
        n_least = 2 if info.grid is None else _LEAST_SWEEPS
        slots = [Slot(info.empty(n_samples)) for _ in range(max(min(n_blocks, n_most), n_least))]
        with self._changed:
            ring = Ring(
                len(slots),
                center_freq_hz=center_freq_hz,
                is_live=True,
                changed=self._changed,
                give_back=self._free.append,
            )
            ring.is_waited_for = not info.is_live
            # At the bottom of the pile, as all that is not needed yet.
            self._free.extendleft(slots)
            self.rings = (*self.rings, ring)
            if self._has_ended:
                ring.end(None)
        try:
            yield ring
        finally:
            ring.leave()
            with self._changed:
                self.rings = tuple(one for one in self.rings if one is not ring)
                for _ in slots:
                    self._free.popleft()

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
        error: BaseException | None = None
        try:
            self._read_all()
        except Exception as broken:
            # Whatever broke belongs to the bands, which cannot see this thread's traceback.
            error = None if self._stopping.is_set() else broken
        finally:
            with self._changed:
                self._has_ended = True
                for ring in self.rings:
                    ring.end(error)
                self._changed.notify_all()

    def _read_all(self) -> None:
        while not self._stopping.is_set():
            block = self._source.read(self._filling.samples)
            if block is None:
                return
            self.heard_ns = time.monotonic_ns()
            if not block.received_ns:
                block = replace(block, received_ns=self.heard_ns)
            with self._changed:
                if not self._is_live:
                    self._changed.wait_for(self._may_go_on)
                if self._stopping.is_set() or not self._hand_out(block):
                    return

    def _may_go_on(self) -> bool:
        for ring in self.rings:
            if ring.is_waited_for and not ring.has_room:
                return self._stopping.is_set()
        return True

    def _hand_out(self, block: IqBlock) -> bool:
        """Offer a block to every ring; return whether any band is left that wants more."""
        is_wanted = False
        for ring in self.rings:
            is_wanted |= ring.offer(block, self._filling)
        if self._filling.n_holders:
            # The one freed last is still in the cache.
            self._filling = self._free.pop()
            self._changed.notify_all()
        return is_wanted
