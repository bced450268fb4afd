"""Whether a known neighbour has taken the place of the cell that is followed."""

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.observer.cell.cell_search import CellSearch
from edgespec.observer.cell.sample_search import Gathered
from edgespec.records import IqBlock, SampleFormat

__all__ = ["Handover"]

#: A cell with less than this share of the power, in the mean of slots, has given way.
_LEAST_SHARE = 0.5
#: For so long, behind a mean over 0.5 s, before it is asked who is louder: that takes 0.4 s more.
_HOLD_S = 0.6
#: Where it is nobody, so long until it is asked again; twice as long each time, up to the latter,
#: while the cell has given way.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 3.0, 12.0
#: A cell that was just found is followed for so long, so that two that are alike do not take turns.
_LEAST_S = 5.0


class Handover:
    """Asks who is louder than the cell that is followed, once it has given way.

    Whoever jams the band lowers the share of the cell, too. So a cell is handed over only while no
    alarm is on, only to one whose identity its own reference signals prove, and only to one whose
    prefixes were known beside the cell before.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what they hold.
        is_live: the search runs beside the stream.
    """

    def __init__(
        self, sample_rate_hz: float, sample_format: SampleFormat, *, is_live: bool
    ) -> None:
        self._search = CellSearch(sample_rate_hz, sample_format, is_live=is_live)
        self._hold = round(_HOLD_S * sample_rate_hz)
        self._rate_hz = sample_rate_hz
        self.forget()

    def forget(self) -> None:
        """Begin anew, as with another cell."""
        self._n_vain = 0
        self._next_at: int | None = None
        self._since: int | None = None
        self._search.restart()

    def stop(self) -> None:
        """End the search that is running; safe in a signal handler."""
        self._search.stop()

    def take(
        self, plane: ResidualPlane, cell: Cell, block: IqBlock, *, is_frozen: bool
    ) -> tuple[Cell, Gathered] | None:
        """Take the block that was processed last.

        Args:
            plane: of the cell that is followed.
            cell: it.
            block: the samples.
            is_frozen: whether an alarm is on.

        Returns:
            The cell to follow from now on, and the samples that it was found in; else None.
        """
        start = block.sample_start
        if self._next_at is None:
            self._next_at = start + round(_LEAST_S * self._rate_hz)
        if is_frozen or not _has_given_way(plane):
            if self._since is not None:
                self._since, self._n_vain = None, 0
                self._search.restart()
            return None
        if self._since is None:
            self._since = start
        if start < max(self._since + self._hold, self._next_at):
            return None
        gathered, found = self._search.add(block), self._search.cell
        if gathered is not None and found is not None and _may_follow(plane, cell, found):
            return found, gathered
        if gathered is not None or self._search.n_failed:
            pause_s = min(_FIRST_PAUSE_S * 2.0**self._n_vain, _LONGEST_PAUSE_S)
            self._next_at = start + round(pause_s * self._rate_hz)
            self._n_vain += 1
            self._search.restart()
        return None


def _has_given_way(plane: ResidualPlane) -> bool:
    """Whether less than its share is the cell's, and somebody is known who may have the rest."""
    tracker = plane.tracker
    is_tracked = tracker.state is TrackState.TRACKING
    return is_tracked and tracker.quality < _LEAST_SHARE and plane.n_beside > 0


def _may_follow(plane: ResidualPlane, cell: Cell, found: Cell) -> bool:
    """Whether a cell is another one than that which is followed, and known beside it."""
    is_like = (found.technology, found.prefix, found.spacing_hz) == (
        cell.technology,
        cell.prefix,
        cell.spacing_hz,
    )
    return is_like and not found.is_again(cell) and plane.is_beside(found)
