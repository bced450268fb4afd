"""Whether another cell is there, where the one that is followed hardly cancels."""

from collections.abc import Callable

from edgespec.detect.scan.residual_scan import MOST_LEFT
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.observer.cell.asked_search import AskedSearch
from edgespec.observer.cell.cell_search import LONGEST_PAUSE_S
from edgespec.observer.cell.sample_search import Gathered
from edgespec.records import IqBlock, SampleFormat

__all__ = ["BetterCell"]


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
        self._search = AskedSearch(sample_rate_hz, sample_format, LONGEST_PAUSE_S, is_live=is_live)
        self._max_block_samples, self._make_plane = max_block_samples, make_plane

    def forget(self) -> None:
        """Begin anew, as with another cell."""
        self._search.forget()

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
            self._search.let_go()
            return None
        return self._search.ask(
            block,
            lambda found, gathered: (
                not found.is_again(cell)
                and self._left_share(self._make_plane(found), gathered) < MOST_LEFT
            ),
        )

    def _left_share(self, plane: ResidualPlane, gathered: Gathered) -> float:
        """Return which share of the power of the samples is left by a plane, 1 where it is none."""
        left = power = 0.0
        for block in gathered.blocks(self._max_block_samples):
            slots = plane.process(block)
            left += slots.total_residual
            power += float(slots.power.sum(dtype=float))
        return left / power if power > 0.0 else 1.0
