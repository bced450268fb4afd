"""Looks now and then for cells beside the one that is watched."""

from collections.abc import Callable
from threading import Event

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.search import find_others
from edgespec.observer.cell.sample_search import Gathered, SampleSearch
from edgespec.records import IqBlock, SampleFormat

__all__ = ["NewcomerSearch"]

#: Signal of one look: 18 of 20 cells 10 dB below a known one are found in less.
LOOK_S = 0.12


class NewcomerSearch:
    """Gathers the samples of a look, and searches them for other cells.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what they hold.
        is_live: the search runs beside the stream; else the stream waits for it.
    """

    def __init__(
        self, sample_rate_hz: float, sample_format: SampleFormat, *, is_live: bool
    ) -> None:
        self._rate_hz = sample_rate_hz
        self._format = sample_format
        self._is_live = is_live
        self._n_look = round(LOOK_S * sample_rate_hz)
        self._look: _Look | None = None
        self._stopping = Event()

    @property
    def is_idle(self) -> bool:
        """Whether no look has begun."""
        return self._look is None

    def begin(self, cell: Cell, block: IqBlock) -> None:
        """Begin a look beside ``cell``, as it is now, at the begin of ``block``; add that next."""
        gathered = Gathered(block, self._format.empty(self._n_look))
        self._look = _Look(gathered, cell, self._rate_hz, self._format, self._stopping)

    def forget(self) -> None:
        """Forget the look that goes on; a search in it is stopped."""
        if self._look is not None:
            self._look.stop()
        self._look = None

    def stop(self) -> None:
        """End what is running, and find nothing any more; safe in a signal handler."""
        self._stopping.set()

    def add(self, block: IqBlock) -> "_Look | None":
        """Take the next block of a look that has begun; return the look once it is over.

        A look that misses samples ends with nothing found.
        """
        look = self._look
        if look is None:
            return None
        if not look.is_full:
            if block.n_dropped or block.sample_start != look.next_sample:
                self._look = None
                return None
            look.take(block, beside=self._is_live)
        if not look.is_over or self._stopping.is_set():
            return None
        self._look = None
        return look


class _Look:
    """Samples, and who is heard in them beside a cell.

    Attributes:
        cell: as it was when they began.
    """

    def __init__(
        self,
        gathered: Gathered,
        cell: Cell,
        rate_hz: float,
        sample_format: SampleFormat,
        stopping: Event,
    ) -> None:
        self._gathered = gathered
        self._rate_hz = rate_hz
        self._format = sample_format
        self._stopping = stopping
        self._search: SampleSearch[list[Cell]] | None = None
        self.cell = cell

    @property
    def others(self) -> list[Cell]:
        """Found beside the cell."""
        return (self._search and self._search.found) or []

    @property
    def next_sample(self) -> int:
        """Number of the sample behind the last."""
        return self._gathered.next_sample

    @property
    def is_full(self) -> bool:
        """Whether there are samples enough."""
        return self._gathered.is_full

    @property
    def is_over(self) -> bool:
        """Whether they have been searched."""
        return self._search is not None and not self._search.is_running

    def take(self, block: IqBlock, *, beside: bool) -> None:
        """Take a block; once there are samples enough, search them, in a thread of its own or now.

        Args:
            block: what follows; samples that are not needed are left.
            beside: in a thread.
        """
        self._gathered.add(block)
        if self.is_full:
            self._search = SampleSearch(
                self._gathered, self._format, self._find, "look for new cells", self._stopping
            )
            self._search.start(beside=beside)

    def stop(self) -> None:
        """Stop the search in it, if one is running."""
        if self._search is not None:
            self._search.stop()

    def _find(
        self, wave: NDArray[np.complex64], start: int, between: Callable[[], None]
    ) -> list[Cell]:
        return find_others(wave, self._rate_hz, self.cell, sample_start=start, between=between)
