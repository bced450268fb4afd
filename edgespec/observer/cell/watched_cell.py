"""The cell of a band, watched by its reference signals, and who is new beside it."""

import logging
from collections.abc import Callable
from dataclasses import replace

from edgespec.computing import Computing
from edgespec.detect.cell.cell_events import CellEvents
from edgespec.detect.cell.newcomers import NewCells
from edgespec.detect.cell.sighting import CellSighting
from edgespec.detect.cell.watch import CellWatch
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.reference import ReferencePlane
from edgespec.grid import Span
from edgespec.lte.numerology import FRAME_S, SLOT_S
from edgespec.observer.cell.newcomer_search import NewcomerSearch
from edgespec.observer.cell.slot_batch import SlotBatch
from edgespec.records import Event, IqBlock, SampleFormat

__all__ = ["WatchedCell"]

_LOG = logging.getLogger(__name__)

#: Looks for neighbours while the band is learnt, and signal between two looks afterwards: one costs
#: some 0.3 s of a processor, 1% of this.
N_LEARN, PAUSE_S = 3, 30.0
#: A cell that is found again within this time of where it is followed is followed already.
_SAME_S = 1e-6
#: Slots that are looked at together: 40 ms.
N_TOGETHER = 80


class WatchedCell:
    """The level of the reference signals of a cell that was found, and looks for others beside it.

    It goes on while the cell cannot be cancelled: a cell that is gone is lost by its own signals.
    Cells that are heard beside it in the warm-up are its neighbours; one that is heard later, in
    two looks in a row, is new.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what they hold.
        warmup_s: in which neighbours are learnt.
        max_block_samples: longest block.
        is_live: looks for others run beside the stream.
        computing: how it is computed.
        max_clipped_fraction: share of clipped components that a good slot may have.
    """

    def __init__(
        self,
        sample_rate_hz: float,
        sample_format: SampleFormat,
        warmup_s: float,
        *,
        max_block_samples: int,
        is_live: bool = False,
        computing: Computing = Computing.PLAIN,
        max_clipped_fraction: float = 0.1,
    ) -> None:
        self._make_plane: Callable[[Cell, float], ReferencePlane] = lambda cell, center_freq_hz: (
            ReferencePlane(
                cell,
                sample_format,
                center_freq_hz=center_freq_hz,
                max_block_samples=max_block_samples,
                max_clipped_fraction=max_clipped_fraction,
                computing=computing,
            )
        )
        # A slot more than fit, for where they begin.
        n_most = int(max_block_samples / (SLOT_S * sample_rate_hz)) + 3
        self._make_batch: Callable[[], SlotBatch] = lambda: SlotBatch(N_TOGETHER, n_most)
        self._learn_pause = round(warmup_s / N_LEARN * sample_rate_hz)
        self._pause = round(PAUSE_S * sample_rate_hz)
        self._search = NewcomerSearch(sample_rate_hz, sample_format, is_live=is_live)
        self._watch = CellWatch(computing=computing)
        self.forget()

    @property
    def identity(self) -> int | None:
        """Of the cell; None while there is none."""
        return None if self._plane is None else self._plane.cell.identity

    @property
    def is_lost(self) -> bool:
        """Whether the cell was heard, and is no more."""
        return self._plane is not None and self._watch.is_lost

    def forget(self) -> None:
        """Forget the cell, its level and its neighbours, as behind a retune."""
        self._plane: ReferencePlane | None = None
        self._batch = self._make_batch()
        self._watch.reset()
        self._search.forget()
        self._newcomers = NewCells(n_looks=2)
        self._n_looks = 0
        self._next_look = 0
        self._seen: list[CellSighting] = []

    def begin(self, cell: Cell, block: IqBlock) -> bool:
        """Watch a cell that was found, from ``block`` on.

        One of NR is not watched: it has no reference signals that are always on.

        Returns:
            Whether it is to be given the samples that the cell was found in: not where it has had
            them.
        """
        if cell.technology != "lte":
            _LOG.info("the cell is of NR, whose reference signals come and go: it is not watched")
            self.forget()
            return False
        now = self._plane
        if now is not None and _is_same(now, cell):
            return False
        plane = self._make_plane(cell, block.center_freq_hz)
        if now is None or now.cell.identity != cell.identity:
            if now is not None:
                self._seen += self._newcomers.take_over(
                    cell, self._cell_now(now), block.sample_start, plane.grid
                )
            self._watch.reset()
            self._search.forget()
        self._plane, self._batch = plane, self._make_batch()
        return True

    def process(self, block: IqBlock) -> None:
        """Take the next block."""
        plane = self._plane
        if plane is None:
            return
        slots = self._batch.add(plane.process(block))
        if slots is not None:
            score = self._watch.update(slots)
            if score is not None:
                self._seen += score.sightings
        self._look(plane, block)

    def take(self) -> tuple[CellSighting, ...]:
        """Return what was seen since the last call."""
        seen, self._seen = tuple(self._seen), []
        return seen

    def tell(self, events: CellEvents, span: Span, level_dbfs: Callable[[], float]) -> list[Event]:
        """Return what there is to say of the cell up to the end of ``span``."""
        return events.update(
            self.take(), span, identity=self.identity, is_lost=self.is_lost, level_dbfs=level_dbfs
        )

    def freeze(self, is_frozen: bool) -> None:
        """Hold what is tracked of the cell, as while an alarm is on, or let it go on."""
        if self._plane is not None:
            self._plane.freeze(is_frozen)

    def stop(self) -> None:
        """End the look for others that is running; safe in a signal handler."""
        self._search.stop()

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what was learnt."""
        self._watch.follow(step_db)

    def _look(self, plane: ReferencePlane, block: IqBlock) -> None:
        """Go on with a look for others, or begin one when it is due."""
        search = self._search
        if search.is_idle:
            if block.sample_start < self._next_look or self.is_lost or not self._watch.is_ready:
                return
            search.begin(self._cell_now(plane), block)
        look = search.add(block)
        if look is None:
            return
        end = look.next_sample
        self._n_looks += 1
        if self._n_looks <= N_LEARN:
            self._newcomers.learn(look.others, look.cell)
        else:
            self._seen += self._newcomers.update(look.others, look.cell, end, plane.grid)
        is_soon = self._n_looks < N_LEARN or self._newcomers.is_unsure
        self._next_look = end + (self._learn_pause if is_soon else self._pause)

    def _cell_now(self, plane: ReferencePlane) -> Cell:
        """Return the cell as its clock is followed."""
        return replace(plane.cell, frame_start=plane.clock.frame_start, ppm=plane.clock.ppm)


def _is_same(plane: ReferencePlane, cell: Cell) -> bool:
    """Whether a cell that was found is the one that is followed, at the same time."""
    n_frame = FRAME_S * cell.sample_rate_hz
    apart = (cell.frame_start - plane.clock.frame_start) / (n_frame * plane.clock.stretch)
    apart_s = abs(apart - round(apart)) * FRAME_S
    return cell.identity == plane.cell.identity and apart_s < _SAME_S
