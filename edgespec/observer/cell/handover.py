"""Whether a known neighbour has taken the place of the cell that is followed."""

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.observer.cell.asked_search import AskedSearch
from edgespec.observer.cell.sample_search import Gathered
from edgespec.records import IqBlock, SampleFormat

__all__ = ["Handover"]

#: A cell with less than this share of the power, in the mean of slots, has given way.
_LEAST_SHARE = 0.5
#: For so long, behind a mean over 0.5 s, before it is asked who is louder: that takes 0.4 s more.
_HOLD_S = 0.6
#: Where it is nobody, it is asked again after so long at last, while the cell has given way.
_LONGEST_PAUSE_S = 12.0
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
        self._search = AskedSearch(sample_rate_hz, sample_format, _LONGEST_PAUSE_S, is_live=is_live)
        self._hold = round(_HOLD_S * sample_rate_hz)
        self._rate_hz = sample_rate_hz
        self.forget()

    def forget(self) -> None:
        """Begin anew, as with another cell."""
        self._has_begun = False
        self._since: int | None = None
        self._search.forget()

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
        if not self._has_begun:
            self._has_begun = True
            self._search.wait_until(start + round(_LEAST_S * self._rate_hz))
        if is_frozen or not _has_given_way(plane):
            if self._since is not None:
                self._since = None
                self._search.be_hopeful()
            return None
        if self._since is None:
            self._since = start
        if start < self._since + self._hold:
            return None
        return self._search.ask(block, lambda found, _: _may_follow(plane, cell, found))


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
