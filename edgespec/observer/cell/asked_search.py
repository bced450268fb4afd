"""A search for another cell than the one that is followed: again after a pause if it is vain."""

from collections.abc import Callable

from edgespec.dsp.prefix.cell import Cell
from edgespec.observer.cell.cell_search import CellSearch
from edgespec.observer.cell.sample_search import Gathered
from edgespec.records import IqBlock, SampleFormat

__all__ = ["AskedSearch"]

#: Where nobody is found who may be followed, so long until he is looked for again.
_FIRST_PAUSE_S = 3.0


class AskedSearch:
    """Searches block by block while it is asked; pauses are twice as long each time.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what they hold.
        longest_pause_s: that no pause exceeds.
        is_live: the search runs beside the stream.
    """

    def __init__(
        self,
        sample_rate_hz: float,
        sample_format: SampleFormat,
        longest_pause_s: float,
        *,
        is_live: bool,
    ) -> None:
        self._search = CellSearch(sample_rate_hz, sample_format, is_live=is_live)
        self._rate_hz, self._longest_pause_s = sample_rate_hz, longest_pause_s
        self.forget()

    def forget(self) -> None:
        """Begin anew, without a pause and with a short one next."""
        self._n_vain, self._next_at = 0, 0
        self._search.restart()

    def let_go(self) -> None:
        """Search in none of the samples so far; a pause goes on."""
        self._search.restart()

    def be_hopeful(self) -> None:
        """Let go, and make the next pause a short one."""
        self._n_vain = 0
        self.let_go()

    def wait_until(self, sample: int) -> None:
        """Ask for nobody before a sample."""
        self._next_at = sample

    def stop(self) -> None:
        """End the search that is running; safe in a signal handler."""
        self._search.stop()

    def ask(
        self, block: IqBlock, may_follow: Callable[[Cell, Gathered], bool]
    ) -> tuple[Cell, Gathered] | None:
        """Take a block; return a cell that may be followed, and the samples it was found in."""
        if block.sample_start < self._next_at:
            return None
        gathered, found = self._search.add(block), self._search.cell
        if gathered is not None and found is not None and may_follow(found, gathered):
            return found, gathered
        if gathered is not None or self._search.n_failed:
            pause_s = min(_FIRST_PAUSE_S * 2.0**self._n_vain, self._longest_pause_s)
            self._next_at = block.sample_start + round(pause_s * self._rate_hz)
            self._n_vain += 1
            self._search.restart()
        return None
