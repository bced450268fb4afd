"""Samples that are gathered until a cell is found in them."""

import logging
from collections.abc import Callable
from threading import Event

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.cells import find_named_cell
from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.cell.sample_search import Gathered, SampleSearch
from edgespec.records import IqBlock, SampleFormat

__all__ = ["CellSearch"]

_LOG = logging.getLogger(__name__)

#: Signal of the first search, in which strong cells are found, and of the second.
SEARCH_S = (0.4, 2.0)
#: Most samples that are kept: 40 MB of int16.
MOST_SAMPLES = 10_000_000
#: Where there is no cell, so long until the next search; twice as long each time, up to the latter.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 600.0
#: ... where there was one: it is found again before it was hidden once more as long.
KNOWN_PAUSE_S = 3.0


class CellSearch:
    """Gathers samples and searches them for a cell; where there is none, again after a pause.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what they hold.
        is_live: a search runs beside the stream, which goes on; else the stream waits for it, so
            that a recording gives the same every time.

    Attributes:
        cell: that of the last search.
        n_failed: searches in a row, of the longest stretch, that found nothing.
    """

    def __init__(
        self, sample_rate_hz: float, sample_format: SampleFormat, *, is_live: bool = False
    ) -> None:
        self._rate_hz = sample_rate_hz
        self._format = sample_format
        self._is_live = is_live
        # At high rates the second search hears less, and at the highest both hear the same.
        lengths = (min(round(s * sample_rate_hz), MOST_SAMPLES) for s in SEARCH_S)
        self._lengths = tuple(dict.fromkeys(lengths))
        # The one whose answer is awaited, and the one that runs, which may be deserted.
        self._search: SampleSearch[Cell | None] | None = None
        self._running: SampleSearch[Cell | None] | None = None
        self._stopping = Event()
        self.restart()

    @property
    def is_searching(self) -> bool:
        """Whether a search is running beside the stream, be it one that is of no use any more."""
        return self._running is not None and self._running.is_running

    def restart(self, *, is_known: bool = False) -> None:
        """Begin to gather at once; a search that is running is of no use any more, and stopped.

        With ``is_known`` the cell was there before: pauses begin short.

        The next one waits for its end: where samples are lost again and again, searches do not
        pile up.
        """
        self._desert()
        self.n_failed = 0
        self._first_pause_s = KNOWN_PAUSE_S if is_known else FIRST_PAUSE_S
        self.cell: Cell | None = None
        self._resume_at: int | None = None
        self._gathered: Gathered | None = None
        self._stage = 0

    def stop(self) -> None:
        """End what is running, and find nothing any more; safe in a signal handler."""
        self._stopping.set()

    def add(self, block: IqBlock) -> Gathered | None:
        """Take a block; once they hold a cell, return all samples so far that follow each other.

        The cell is in ``cell`` then.
        """
        if self._resume_at is not None and block.sample_start < self._resume_at:
            return None
        self._resume_at = None
        gathered = self._gather(block)
        if self.is_searching:
            return None
        if self._search is None and gathered.n >= self._lengths[self._stage]:
            if self._stage and not self._is_live:
                _LOG.info("looking for a cell in %.3g s of signal", gathered.n / self._rate_hz)
            self._search = self._running = SampleSearch(
                gathered, self._format, self._find, "search for a cell", self._stopping
            )
            self._search.start(beside=self._is_live)
        if self._search is None or self.is_searching or self._stopping.is_set():
            return None
        self.cell = self._search.found
        self._search = None
        if self.cell is not None:
            self._gathered = None
            return gathered
        self._go_on(gathered.next_sample)
        return None

    def _desert(self) -> None:
        """Stop the search that is running, whose answer is of no use any more."""
        if self._running is not None:
            self._running.stop()
        self._search = None

    def _find(
        self, wave: NDArray[np.complex64], start: int, between: Callable[[], None]
    ) -> Cell | None:
        return find_named_cell(wave, self._rate_hz, start, between=between)

    def _gather(self, block: IqBlock) -> Gathered:
        gathered = self._gathered
        is_next = gathered is not None and gathered.next_sample == block.sample_start
        if gathered is None or block.n_dropped or not (is_next or self._search is not None):
            # What a search still reads stays as it is.
            self._desert()
            self._stage = 0
            gathered = self._gathered = Gathered(block, self._format.empty(self._lengths[-1]))
            is_next = True
        if is_next:
            gathered.add(block)
        return gathered

    def _go_on(self, sample: int) -> None:
        """Gather more of the stretch that had no cell, or begin a new one after a pause."""
        self._stage += 1
        if self._stage < len(self._lengths):
            return
        pause_s = min(self._first_pause_s * 2.0**self.n_failed, LONGEST_PAUSE_S)
        self.n_failed += 1
        self._stage, self._gathered = 0, None
        self._resume_at = sample + round(pause_s * self._rate_hz)
