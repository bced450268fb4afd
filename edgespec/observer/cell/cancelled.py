"""What is left of a band when its cell is cancelled: found, cancelled, learnt, scanned."""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.gain import NoiseSays
from edgespec.detect.regions import Region
from edgespec.detect.scan.arithmetic import open_arithmetic
from edgespec.detect.scan.deviation import Deviation
from edgespec.detect.scan.receiver_gain import ReceiverGain
from edgespec.detect.scan.residual_scan import LEAST_WARMUP, MOST_WARMUP, THRESHOLD, ResidualScan
from edgespec.detect.scan.site import Site
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.heard_cell import CellState, HeardCell
from edgespec.lte.numerology import SLOT_S
from edgespec.observer.cell.astray import Astray, InTime
from edgespec.observer.cell.cell_finder import CellFinder
from edgespec.observer.cell.known_cell import KnownCell, heard_cell
from edgespec.observer.cell.learnt_cells import LearntCells
from edgespec.observer.cell.left_normal import (
    Patience,
    Settling,
    judge_reference,
    learn_again,
    lower_fallen,
)
from edgespec.observer.cell.neighbours import Neighbours
from edgespec.observer.cell.residual_map import ResidualMap
from edgespec.observer.cell.residual_scale import ResidualScale
from edgespec.observer.cell.sample_search import Gathered
from edgespec.observer.cell.watched_cell import WatchedCell
from edgespec.records import Geometry, IqBlock, SampleFormat, Score

__all__ = ["CancelledBand"]

_LOG = logging.getLogger(__name__)

#: The largest deviation of a hop is less only where noise has fallen.
_LEAST_USUAL = 0.5


class CancelledBand:
    """A band's samples once more, without its cell.

    Samples are gathered until they hold a cell; the same samples then teach what is left of it at
    this site, so both take one warm-up. A cell that is lost is searched anew, and so is one behind
    a retune. Where there is none, nothing is scored, and it is looked for again now and then. A
    known neighbour that takes the place of the cell is followed from then on.

    Args:
        sample_rate_hz: of the blocks, :data:`~edgespec.dsp.prefix.plan.LEAST_RATE_HZ` or more.
        sample_format: what the blocks hold.
        geometry: of the segments that the scores go with.
        freqs_hz: of the bins of these segments, offsets from the centre.
        warmup_s: how long to learn what is left, from where the search began.
        max_block_samples: longest block.
        center_freq_hz: of the first block.
        is_live: searches run beside the stream, which does not wait for them.
        computing: how it is computed.
        watched: is told of the cell and given the same samples; None for nothing.
        learnt: keeps what is normal beside each cell; None: until the end.

    Attributes:
        state: how far the cell is known.
        doubt: why what was learnt of it is not to be trusted; '' where it is.
        cell: as it was found, None before.
        learnt: what is known beside each of the last cells.
        on_slots: told slots that are scored, and what is normal of them; None: nobody.
    """

    def __init__(
        self,
        sample_rate_hz: float,
        sample_format: SampleFormat,
        geometry: Geometry,
        freqs_hz: NDArray[np.float64],
        warmup_s: float,
        *,
        max_block_samples: int,
        center_freq_hz: float = 0.0,
        is_live: bool = False,
        computing: Computing = Computing.PLAIN,
        max_clipped_fraction: float = 0.1,
        watched: WatchedCell | None = None,
        learnt: LearntCells | None = None,
    ) -> None:
        self._make_plane: Callable[[Cell], ResidualPlane] = lambda cell: ResidualPlane(
            sample_rate_hz, sample_format, cell,
            max_block_samples=max_block_samples, computing=computing,
            max_clipped_fraction=max_clipped_fraction, center_freq_hz=self._center_freq_hz,
        )  # fmt: skip
        self._finder = CellFinder(
            sample_rate_hz, sample_format, max_block_samples, self._make_plane, is_live=is_live
        )
        self.watched = watched
        self._arithmetic = open_arithmetic(computing)
        # One half of the warm-up teaches what is left, the other what deviations are normal.
        n_warmup = round(warmup_s / SLOT_S)
        self._n_reference = min(max(n_warmup // 2, LEAST_WARMUP), MOST_WARMUP)
        self._max_block_samples, self._center_freq_hz = max_block_samples, center_freq_hz
        self._map = ResidualMap(geometry, freqs_hz)
        self._plane: ResidualPlane | None = None
        self._scale = ResidualScale(n_warmup)
        self._astray, self._is_frozen = Astray(), False
        self._scan: ResidualScan | None = None
        self._best: Deviation | None = None
        self._neighbours, self._settling = Neighbours(), Settling(n_warmup)
        # The last site that was learnt; and how much power is usual while another cell is learnt.
        self._known: Site | None = None
        self._before: Site | None = None
        self.learnt = LearntCells() if learnt is None else learnt
        self._gain, self._step_db, self._patience = ReceiverGain(0), 0.0, Patience(is_needed=False)
        self._recalled: KnownCell | None = None
        self.cell: Cell | None = None
        self.doubt, self.state = "", CellState.SEARCHING
        self.on_slots: Callable[[PrefixSlots, Site], None] | None = None

    @property
    def heard(self) -> HeardCell:
        """What is known of the cell now."""
        return heard_cell(self.state, self.cell, self._plane, self._scan)

    def known_cell(self, at: int) -> KnownCell | None:
        """Return what is known of the cell, counted from a sample; None while it is learnt."""
        return KnownCell.of(self.cell, self._plane, self._scan, self._scale, at)

    def begin_with(self, known: KnownCell) -> None:
        """Take a cell that another one knew, and what is normal beside it: nothing is searched."""
        self.cell, self._recalled = known.cell, known
        plane = self._plane = self._make_plane(known.cell)
        self._scan = self._scan_of(known.cell)
        known.teach(self._scan, self._scale)
        self._known = self._scan.site
        self._gain = ReceiverGain(plane.plan.n_subbands, is_restless=self._scale.is_restless)

    def noise_says(self) -> NoiseSays | None:
        """Return what noise has said of the gain since the last call; None where it is not heard.

        A step is followed here, and is for the rest of the chain to follow.
        """
        step_db, self._step_db = self._step_db, 0.0
        if step_db or self.state is CellState.TRACKING:
            return NoiseSays(step_db, self._gain.is_waiting)
        # While a known cell is away, or another is learnt, fading is what moves power, and no gain.
        is_away = self.state is CellState.SEARCHING and self._known is not None
        return NoiseSays(0.0, may_be=False) if is_away or self._before is not None else None

    def is_cells(self, region: Region | None) -> bool:
        """Return whether power that is not usual in a region, or in the band, is the cell's own.

        Or that of cells which have been beside it for long: a neighbour gets busy, or louder.
        False where nothing is known of the cell.
        """
        plane, site = self._plane or self._finder.lost, self._known or self._before
        if plane is None or site is None:
            return False
        return self._neighbours.explain(
            site,
            self._map.part(region, plane.grid, self._center_freq_hz),
            is_lost=self._plane is None,
            is_followed=self.state in (CellState.TRACKING, CellState.LEARNING),
            is_astray=self._astray.n_slots > 0,
        )

    def process(self, block: IqBlock) -> None:
        """Take a block: search, learn, or scan; windows do not reach over a time away."""
        if block.center_freq_hz != self._center_freq_hz:
            self._center_freq_hz = block.center_freq_hz
            self.forget()
        if self.watched is not None:
            self.watched.process(block)
        plane, scan = self._plane, self._scan
        if plane is None or scan is None:
            self._look_for_one(block)
            return
        if block.n_away:
            scan.let_go()
            self._best = None
        self._take(plane, scan, block)
        if self._plane is plane and self.cell is not None:
            other = self._finder.beside(
                plane, self.cell, block, is_frozen=self._is_frozen, is_doubted=scan.is_doubted
            )
            if other is not None:
                self._begin(*other)

    def freeze(self, is_frozen: bool) -> None:
        """Hold what is tracked of the cell, as while an alarm is on, or let it go on."""
        if self._is_frozen and not is_frozen and self._scan is not None:
            self._scan.let_go()
        self._is_frozen = is_frozen
        if self.watched is not None:
            self.watched.freeze(is_frozen)
        if self._plane is not None:
            (self._plane.tracker.freeze if is_frozen else self._plane.tracker.thaw)()

    def stop(self) -> None:
        """End the searches that are running: the band is to end; safe in a signal handler."""
        self._finder.stop()
        if self.watched is not None:
            self.watched.stop()

    def finish(self) -> None:
        """Keep what is known for the next run: the stream is over."""
        self._keep()
        self.learnt.close()

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain, that power told, into what was learnt."""
        self.learnt.follow(step_db)
        self._neighbours.follow(step_db)
        if self._scan is not None:
            self._scan.follow(step_db)
            self._known = self._scan.site or self._known
        if self._before is not None:
            self._before = self._before.scaled(10.0 ** (step_db / 10.0))
        if self.watched is not None:
            self.watched.follow(step_db)

    def take(self, least: float) -> Score | None:
        """Return the largest score since the last call, if anything was scored.

        With a map of at least ``least``: in dB over what is expected, ``(n_horizon, n_bins)``, 0
        outside of the window's subbands; a buffer that the next call overwrites.
        """
        best, self._best = self._best, None
        if best is None or self._plane is None:
            return None
        score = self._scale.apply(best.value)
        if score.value < least:
            return score
        map_db = self._map.draw(best, self._plane.grid, self._center_freq_hz)
        return replace(score, error_map_db=map_db)

    def _look_for_one(self, block: IqBlock) -> None:
        """Search; of a cell that is found, take all that was gathered meanwhile."""
        found = self._finder.look(block, self._neighbours)
        if found is not None:
            self._begin(*found)
        else:
            self.state = CellState.NONE if self._finder.is_vain else CellState.SEARCHING

    def _begin(self, cell: Cell, gathered: Gathered) -> None:
        """Follow a cell from the samples on that it was found in."""
        plane, scan = self._make_plane(cell), self._scan_of(cell)
        if scan is not self._scan:
            self._change(cell, plane, scan)
        self._finder.follow()
        self.cell, self._plane, self._scan = cell, plane, scan
        is_watched = self.watched is not None and self.watched.begin(cell, gathered.first)
        for again in gathered.blocks(self._max_block_samples):
            self._take(plane, scan, again)
            if is_watched and self.watched is not None:
                self.watched.process(again)
            if self._plane is not plane:
                break
        # The scores of what was gathered are late: the segments they belong to are through.
        self._best = None

    def _keep(self) -> None:
        """Keep what is known of the cell, where that is trusted."""
        if self.cell is not None and self._scan is not None and not self.doubt:
            self.learnt.keep(self.cell, self._neighbours.plane, self._scan, self._scale)

    def _change(self, cell: Cell, plane: ResidualPlane, scan: ResidualScan) -> None:
        """Keep what is known of the cell so far, and take or learn what is normal beside a new one.

        Until that is learnt, power beyond what was usual is told by what is left of the new cell.
        """
        before, usual = self.cell, self._known or self._before
        self._keep()
        self._scale.begin()
        if before is not None:
            self.learnt.change(before, cell, plane, scan, self._scale)
        is_alike = usual is not None and usual.noise.shape[1] == plane.plan.n_subbands
        self._before = usual.of_no_cell() if usual is not None and is_alike else None
        self._known, self.doubt = scan.site, ""
        self._patience = Patience(is_needed=before is not None)
        self._neighbours = self._neighbours.of_another(is_hasty=before is not None)
        is_restless = self._scale.is_restless or self._before is not None
        self._gain = ReceiverGain(plane.plan.n_subbands, is_restless=is_restless)
        self._astray.forget()

    def _scan_of(self, cell: Cell) -> ResidualScan:
        """Return what scans a cell that was found: with what was learnt of it, if it is known.

        A cell that a jammer hid is the same when it comes back, and what was normal still is.
        """
        before, scan = self.cell, self._scan
        is_known = before is not None and cell.is_again(before)
        if is_known and scan is not None and scan.site is not None:
            return scan
        return ResidualScan(PrefixPlan.of(cell).n_subbands, self._n_reference, self._arithmetic)

    def _take(self, plane: ResidualPlane, scan: ResidualScan, block: IqBlock) -> None:
        slots = plane.process(block)
        if plane.tracker.state is TrackState.LOST:
            self._lose()
            return
        self._neighbours.take(
            plane, slots, block, is_frozen=self._is_frozen, is_warm=self._scale.is_settled
        )
        if scan.site is not None and not self._is_in_time(plane, scan.site, slots, block):
            return
        had_site = scan.site is not None
        if not had_site and self._is_frozen and self._patience.waits(scan, slots, self._known):
            # Learnt again, or beside another cell, and not from what may be an interferer.
            self.state = CellState.LEARNING
            return
        if self._recalled is not None and self._recalled.align(scan, slots):
            self._recalled = None
        found = scan.score(slots.residual, slots.power, slots.slot, slots.flags)
        if self.on_slots is not None and scan.site is not None:
            self.on_slots(slots, scan.site)
        if not had_site and scan.site is not None:
            self._known = scan.site
            self._doubt(judge_reference(scan, plane.grid))
            self._gain.learn(scan.learnt[0], scan.learnt[1], scan.learnt_place, scan.site)
            self._scale.is_restless = self._gain.is_restless
            # The cell that was there before is a neighbour, and what is left is above all its.
            self._gain.is_restless |= self._before is not None
            plane.note_beside()
        if found is not None and self._has_moved(scan, slots, found):
            return
        self._astray.has_cancelled |= found is not None and found.value < THRESHOLD
        if not self._scale.is_settled:
            self.state = CellState.LEARNING
            self._doubt(self._scale.learn(found, slots.n_slots, has_reference=bool(scan.site)))
        elif scan.distrust:
            self.state = CellState.LEARNING
            if self._settling.take(slots, is_alarm=self._is_frozen):
                learn_again(scan, self._scale)
                self.doubt = ""
        else:
            self.state = CellState.TRACKING
            if found is None or self._neighbours.leave(scan, found, is_frozen=self._is_frozen):
                return
            if self._best is None or found.value > self._best.value:
                self._best = found
            if lower_fallen(scan):
                self.doubt = ""

    def _has_moved(self, scan: ResidualScan, slots: PrefixSlots, found: Deviation) -> bool:
        """Follow a step of the gain; return whether there is one."""
        if scan.site is None or scan.distrust:
            return False
        is_odd = not _LEAST_USUAL < found.value < THRESHOLD
        step_db = self._gain.take(slots, found.ratio[-slots.n_slots :], scan.site, is_odd=is_odd)
        if step_db:
            self.follow(step_db)
            self._step_db += step_db
            self._best = None
        return bool(step_db)

    def _is_in_time(
        self, plane: ResidualPlane, site: Site, slots: PrefixSlots, block: IqBlock
    ) -> bool:
        """Return whether these slots are to be scored: their timing is right."""
        found = self._astray.take(
            plane, site, slots, block,
            is_frozen=self._is_frozen, is_hidden=self._neighbours.hide_cell,
            is_louder=lambda: self._neighbours.loudest.is_below_any_splice(slots),
        )  # fmt: skip
        if found in (InTime.NOT_NOW, InTime.NO_MORE):
            self.state = CellState.SEARCHING
        if found is InTime.NO_MORE:
            self._lose()
        return found is InTime.YES

    def _doubt(self, why: str) -> None:
        if why and why != self.doubt:
            _LOG.warning("the cell of the band: %s", why)
            self.doubt = f"{self.doubt}; {why}" if self.doubt else why

    def forget(self) -> None:
        """Forget the cell, and what was learnt of it."""
        self.cell = self._scan = self._plane = self._known = self._before = None
        self.doubt = ""
        self.learnt.clear()
        self._neighbours.retune()
        if self.watched is not None:
            self.watched.forget()
        self._lose()

    def _lose(self) -> None:
        """Search for the cell again."""
        self._finder.restart(self._plane, is_known=self.cell is not None)
        self._plane, self._best = None, None
        for part in (self._neighbours, self._astray, self._gain):
            part.forget()
        self.state = CellState.SEARCHING
