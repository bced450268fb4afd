"""Samples that are gathered until a cell is found in them."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock, Thread, main_thread
from typing import Any

from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.search import find_cell
from edgespec.records import IqBlock, SampleFormat

__all__ = ["CellSearch", "Gathered"]

_LOG = logging.getLogger(__name__)

#: Signal of the first search, in which strong cells are found, and of the second.
SEARCH_S = (0.4, 2.0)
#: Most samples that are kept: 40 MB of int16.
MOST_SAMPLES = 10_000_000
#: Where there is no cell, so long until the next search; twice as long each time, up to the latter.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 600.0
#: ... where there was one: it is found again before it was hidden once more as long.
KNOWN_PAUSE_S = 3.0
#: The searches of all bands take turns: each holds its samples once more, as complex64.
_TURN = Lock()


@dataclass(slots=True)
class Gathered:
    """The first ``n`` of ``samples`` follow each other from the begin of the block ``first`` on."""

    first: IqBlock
    samples: NDArray[Any]
    n: int = 0

    @property
    def next_sample(self) -> int:
        """Number of the sample that would come next."""
        return self.first.sample_start + self.n

    def add(self, block: IqBlock) -> bool:
        """Take the samples of a block, as far as there is room; return whether all had it."""
        n_new = min(block.n_samples, len(self.samples) - self.n)
        self.samples[self.n : self.n + n_new] = block.samples[:n_new]
        self.n += n_new
        return n_new == block.n_samples

    def blocks(self, max_samples: int) -> Iterator[IqBlock]:
        """Yield the samples again."""
        first, rate_hz = self.first, self.first.sample_rate_hz
        for start in range(0, self.n, max_samples):
            yield IqBlock(
                self.samples[start : min(start + max_samples, self.n)],
                rate_hz,
                first.center_freq_hz,
                first.sample_start + start,
                first.utc_ns + round(start / rate_hz * 1e9),
                received_ns=first.received_ns,
            )


class _Search:
    """One search in samples that are there; others may follow them meanwhile."""

    def __init__(self, gathered: Gathered, rate_hz: float, sample_format: SampleFormat) -> None:
        self._samples = gathered.samples[: gathered.n]
        self._start = gathered.first.sample_start
        self._rate_hz = rate_hz
        self._format = sample_format
        self.cell: Cell | None = None

    def run(self) -> None:
        """Search them; a board without memory for it has no cell, and goes on."""
        try:
            with _TURN:
                if not main_thread().is_alive():
                    # The program is ending, and waits for this.
                    return
                wave = self._format.to_complex(self._samples)
                self.cell = find_cell(wave, self._rate_hz, self._start)
        except MemoryError:
            _LOG.warning("there is not enough memory to search for a cell in this band")


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
        self._thread: Thread | None = None
        self.restart()

    @property
    def is_searching(self) -> bool:
        """Whether a search is running beside the stream, be it one that is of no use any more."""
        return self._thread is not None and self._thread.is_alive()

    def restart(self, *, is_known: bool = False) -> None:
        """Begin to gather at once; a search that is running is of no use any more.

        With ``is_known`` the cell was there before: pauses begin short.

        The next one waits for its end: where samples are lost again and again, searches do not
        pile up.
        """
        self.n_failed = 0
        self._first_pause_s = KNOWN_PAUSE_S if is_known else FIRST_PAUSE_S
        self.cell: Cell | None = None
        self._resume_at: int | None = None
        self._gathered: Gathered | None = None
        self._stage = 0
        self._search: _Search | None = None

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
            self._search = _Search(gathered, self._rate_hz, self._format)
            if self._is_live:
                # Not a daemon: one that ends in a transform takes the process with it.
                self._thread = Thread(target=self._search.run, name="cell-search")
                self._thread.start()
            else:
                if self._stage:
                    _LOG.info("looking for a cell in %.3g s of signal", gathered.n / self._rate_hz)
                self._search.run()
        if self._search is None or self.is_searching:
            return None
        self.cell = self._search.cell
        self._search = None
        if self.cell is not None:
            self._gathered = None
            return gathered
        self._go_on(gathered.next_sample)
        return None

    def _gather(self, block: IqBlock) -> Gathered:
        gathered = self._gathered
        is_next = gathered is not None and gathered.next_sample == block.sample_start
        if gathered is None or block.n_dropped or not (is_next or self._search is not None):
            # What a search still reads stays as it is.
            self._search, self._stage = None, 0
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
