"""What waits for one band: blocks of a reader, in order, in buffers that bands share."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from threading import Condition
from typing import Any

from numpy.typing import NDArray

from edgespec.records import IqBlock

__all__ = ["Ring", "Slot"]


class Slot:
    """A buffer made beforehand for one block.

    Attributes:
        samples: the buffer.
        n_holders: rings in which its block waits or is being worked on.
    """

    __slots__ = ("n_holders", "samples")

    def __init__(self, samples: NDArray[Any]) -> None:
        self.samples = samples
        self.n_holders = 0


class Ring:
    """The blocks that wait for one band, at most ``n_blocks``; one of them is with the band.

    Bands of one source share the samples, never the loss: a band that is slow loses blocks of its
    own, which stand as ``n_dropped`` on the next one it gets.

    Args:
        n_blocks: blocks in the ring, at least 2.
        center_freq_hz: of the blocks that the band takes; None: of all.
        is_live: whether the source does not wait; the wait of a block then counts as latency.
        changed: the reader's; it is held wherever the reader calls.
        give_back: takes a slot that no ring holds any more.

    Attributes:
        n_dropped: samples that the band never got.
        n_overflows: blocks for which there was no room.
        is_its_turn: whether the reader's last block was one that the band takes.
        is_waited_for: whether a source that can wait does so for room in this ring.
    """

    def __init__(
        self,
        n_blocks: int,
        *,
        center_freq_hz: float | None = None,
        is_live: bool,
        changed: Condition,
        give_back: Callable[[Slot], None],
    ) -> None:
        self._n_blocks = n_blocks
        self._center_freq_hz = center_freq_hz
        self._is_live = is_live
        self._changed = changed
        self._give_back = give_back
        self._waiting: deque[tuple[IqBlock, Slot]] = deque()
        self._lent: Slot | None = None
        self._n_lost = self._n_away = 0
        self.is_its_turn = center_freq_hz is None
        self.is_waited_for = True
        self._ended = False
        self._left = False
        self._error: BaseException | None = None
        self.n_dropped = 0
        self.n_overflows = 0

    @property
    def finished(self) -> bool:
        """Whether the source ended and every block of it was handed out."""
        with self._changed:
            return self._ended and not self._waiting and self._error is None

    def next_block(self, timeout_s: float | None = None) -> IqBlock | None:
        """Return the next block; its samples are valid until the next call.

        Returns None after ``timeout_s`` (None waits for good) or at the end; ``finished`` tells
        which.

        Raises:
            SourceError: the source broke; all blocks before that were handed out.
        """
        with self._changed:
            self._release_lent()
            self._changed.wait_for(lambda: self._waiting or self._ended, timeout_s)
            if self._waiting:
                block, self._lent = self._waiting.popleft()
                if self._is_live:
                    return block
                # A recording was early, not late: its wait in the ring is no latency.
                return replace(block, received_ns=time.monotonic_ns())
            error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    def leave(self) -> None:
        """Want no more blocks; a recording then waits for the other bands alone."""
        with self._changed:
            self._left = True
            self._release_lent()
            while self._waiting:
                self._release(self._waiting.popleft()[1])
            self._changed.notify_all()

    @property
    def has_room(self) -> bool:
        """Whether a block would be taken, or is not wanted at all."""
        return self._left or len(self._waiting) + (self._lent is not None) < self._n_blocks

    def offer(self, block: IqBlock, slot: Slot) -> bool:
        """Take a block of the reader, or lose it where there is no room.

        Returns whether the band wants more.
        """
        if self._left:
            return False
        if self._center_freq_hz is not None:
            self.is_its_turn = block.center_freq_hz == self._center_freq_hz
            if not self.is_its_turn:
                return True
        self.n_dropped += block.n_dropped
        if not self.has_room:
            self._n_lost += block.n_dropped + block.n_samples
            self._n_away += block.n_away
            self.n_dropped += block.n_samples
            self.n_overflows += 1
            return True
        if self._n_lost:
            block = replace(
                block,
                n_dropped=block.n_dropped + self._n_lost,
                n_away=block.n_away + self._n_away,
            )
            self._n_lost = self._n_away = 0
        slot.n_holders += 1
        self._waiting.append((block, slot))
        return True

    def end(self, error: BaseException | None) -> None:
        """Take the end of the source, and what it broke of."""
        self._ended, self._error = True, error

    def _release_lent(self) -> None:
        if self._lent is not None:
            lent, self._lent = self._lent, None
            self._release(lent)
            self._changed.notify_all()

    def _release(self, slot: Slot) -> None:
        slot.n_holders -= 1
        if not slot.n_holders:
            self._give_back(slot)
