"""Whether another cell is there, where the one that is followed hardly cancels."""

from collections.abc import Callable

from edgespec.detect.scan.residual_scan import MOST_LEFT
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.observer.cell.cell_search import LONGEST_PAUSE_S, CellSearch
from edgespec.observer.cell.sample_search import Gathered
from edgespec.records import IqBlock, SampleFormat

__all__ = ["BetterCell"]

#: Where there is none, so long until it is looked for again; twice as long each time.
_FIRST_PAUSE_S = 3.0


class BetterCell:
    """Looks for a cell that cancels, while most of the power is left by the one that is followed.

    Somebody with prefixes who was louder for a moment may still be followed when he is gone: those
    of the cell that was there all along come near his, and hold his timing. Whoever is found in his
    place is followed where less is left of the same samples.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what they hold.
        max_block_samples: the longest.
        make_plane: returns what cancels a cell.
        is_live: the search runs beside the stream.
    """

    def __init__(
        self,
        sample_rate_hz: float,
        sample_format: SampleFormat,
        max_block_samples: int,
        make_plane: Callable[[Cell], ResidualPlane],
        *,
        is_live: bool,
    ) -> None:
        self._search = CellSearch(sample_rate_hz, sample_format, is_live=is_live)
        self._rate_hz, self._max_block_samples = sample_rate_hz, max_block_samples
        self._make_plane = make_plane
        self.forget()

    def forget(self) -> None:
        """Begin anew, as with another cell."""
        self._n_vain, self._next_at = 0, 0
        self._search.restart()

    def stop(self) -> None:
        """End the search that is running; safe in a signal handler."""
        self._search.stop()

    def take(self, cell: Cell, block: IqBlock, *, is_frozen: bool) -> tuple[Cell, Gathered] | None:
        """Take a block while most of the power is left; return who is better, and the samples.

        Args:
            cell: that is followed.
            block: the samples.
            is_frozen: whether an alarm is on, and whoever is found may be what it is about.
        """
        if is_frozen:
            self._search.restart()
            return None
        if block.sample_start < self._next_at:
            return None
        gathered, found = self._search.add(block), self._search.cell
        if gathered is not None and found is not None and not found.is_again(cell):
            left_share = self._left_share(self._make_plane(found), gathered)
            if left_share < MOST_LEFT:
                return found, gathered
        if gathered is not None or self._search.n_failed:
            pause_s = min(_FIRST_PAUSE_S * 2.0**self._n_vain, LONGEST_PAUSE_S)
            self._next_at = block.sample_start + round(pause_s * self._rate_hz)
            self._n_vain += 1
            self._search.restart()
        return None

    def _left_share(self, plane: ResidualPlane, gathered: Gathered) -> float:
        """Return which share of the power of the samples is left by a plane, 1 where it is none."""
        left = power = 0.0
        for block in gathered.blocks(self._max_block_samples):
            slots = plane.process(block)
            left += slots.total_residual
            power += float(slots.power.sum(dtype=float))
        return left / power if power > 0.0 else 1.0
