"""Who is there: a cell is searched while none is followed, and a better one while one is."""

from collections.abc import Callable

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.observer.cell.better_cell import BetterCell
from edgespec.observer.cell.cell_search import CellSearch
from edgespec.observer.cell.handover import Handover
from edgespec.observer.cell.neighbours import Neighbours
from edgespec.observer.cell.sample_search import Gathered
from edgespec.records import IqBlock, SampleFormat

__all__ = ["CellFinder"]


class CellFinder:
    """Finds the cell to follow, and the samples that it was found in.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what they hold.
        max_block_samples: the longest.
        make_plane: returns what cancels a cell.
        is_live: searches run beside the stream.

    Attributes:
        lost: the plane of a cell that was lost, while it is searched who is there instead, and for
            half a minute at least: its clock still says what the neighbours bring, and its power
            whether it is out of reach.
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
        self._handover = Handover(sample_rate_hz, sample_format, is_live=is_live)
        self._better = BetterCell(
            sample_rate_hz, sample_format, max_block_samples, make_plane, is_live=is_live
        )
        self.lost: ResidualPlane | None = None

    @property
    def is_vain(self) -> bool:
        """Whether a search of the longest stretch found nobody."""
        return bool(self._search.n_failed)

    def stop(self) -> None:
        """End what is running; safe in a signal handler."""
        for search in (self._search, self._handover, self._better):
            search.stop()

    def restart(self, lost: ResidualPlane | None, *, is_known: bool) -> None:
        """Search anew, where ``lost`` was followed; ``is_known``: a cell was there before."""
        self.lost = lost
        self._forget_others()
        self._search.restart(is_known=is_known)

    def follow(self) -> None:
        """Take note that a cell is followed from now on."""
        self.lost = None
        self._forget_others()

    def look(self, block: IqBlock, neighbours: Neighbours) -> tuple[Cell, Gathered] | None:
        """Take a block while no cell is followed."""
        if self.lost is not None:
            slots = self.lost.process(block)
            neighbours.take(self.lost, slots, block, is_frozen=True, is_warm=True, is_lost=True)
        gathered, cell = self._search.add(block), self._search.cell
        if gathered is not None and cell is not None:
            return cell, gathered
        if self.is_vain and not neighbours.may_come_back:
            self.lost = None
        return None

    def beside(
        self,
        plane: ResidualPlane,
        cell: Cell,
        block: IqBlock,
        *,
        is_frozen: bool,
        is_doubted: bool,
    ) -> tuple[Cell, Gathered] | None:
        """Take the block that was processed last while one is followed; return whom to follow.

        Whoever cancels where the cell ``is_doubted``, see :class:`BetterCell`; else whoever has
        taken its place, see :class:`Handover`.
        """
        if is_doubted:
            return self._better.take(cell, block, is_frozen=is_frozen)
        return self._handover.take(plane, cell, block, is_frozen=is_frozen)

    def _forget_others(self) -> None:
        self._handover.forget()
        self._better.forget()
