"""The residual plane: a stream of IQ blocks becomes slots in which the cell is cancelled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import AUTO, Computing
from edgespec.dsp.block_check import BlockCheck
from edgespec.dsp.prefix.beside import CellsBeside, Folded
from edgespec.dsp.prefix.cancelling import CANCELLING
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.jump import PrefixEdges
from edgespec.dsp.prefix.left_by_place import LeftByPlace
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.recipe import Recipe, Rows
from edgespec.dsp.prefix.slot_clock import SlotClock
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.dsp.prefix.staged import N_TAKEN, STAGED_START, Staged
from edgespec.dsp.prefix.tracker import Tracker
from edgespec.dsp.quality import ClipLimits
from edgespec.dsp.stream import first_lost, is_near_rate
from edgespec.errors import ConfigError
from edgespec.grid import Span
from edgespec.records import FrameFlag, IqBlock, SampleFormat

__all__ = ["ResidualPlane"]


class ResidualPlane:
    """Takes the cyclic prefixes of a cell from their copies: what is left is not the cell.

    An OFDM symbol begins with a copy of its end, whatever was sent in it, so in the part of a
    prefix that echoes have left alone, ``r[n] = x[n] - exp(-j phi) x[n + L]``, L = fs / 15 kHz (30
    kHz with such subcarriers), is without it. Per slot of 0.5 ms, and in each subband,

    ``residual = 1/2 mean_symbols |FFT r|^2 / N^2``,
    ``power = 1/2 mean_symbols (|FFT x[n]|^2 + |FFT x[n + L]|^2) / N^2``.

    White noise keeps its power. A tone at f from the carrier of the cell has ``2 sin^2(pi f / 15
    kHz)`` of its power left in the mean over its phase, so one on a subcarrier of the cell is
    cancelled as the cell is, and only ``power`` shows it. Of the cell itself some -25 dB stay: what
    its receiver, a moving antenna or a timing that is slightly wrong make different in a copy.

    Where slots begin, and phi, are what :class:`~edgespec.dsp.prefix.tracker.Tracker` has learnt
    from slots before, never fitted to the slot. Any division of a stream into blocks gives the same
    slots, bit for bit.

    Args:
        sample_rate_hz: of the blocks.
        sample_format: what the blocks hold.
        cell: as a search found it on the same count of samples.
        max_block_samples: longest block that ``process`` takes; the buffers are made for it.
        computing: ``compiled``, ``plain`` or ``auto``.
        max_clipped_fraction: share of clipped I and Q components, of those that are looked at,
            that a valid slot may have.
        clip_level: for complex64 only, the magnitude of I or Q at which the radio clips.
        center_freq_hz: of the first block; 0 where it is unknown.

    Attributes:
        grid: of the slots since the last retune; the subbands are its bins.
        tracker: state, quality, ppm and carrier of the cell.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(
        self,
        sample_rate_hz: float,
        sample_format: SampleFormat,
        cell: Cell,
        *,
        max_block_samples: int,
        computing: str = AUTO,
        max_clipped_fraction: float = 0.1,
        clip_level: float | None = None,
        center_freq_hz: float = 0.0,
    ) -> None:
        if max_block_samples < 1:
            raise ConfigError(f"max_block_samples is {max_block_samples}; it must be at least 1")
        if not is_near_rate(cell.sample_rate_hz, sample_rate_hz):
            raise ConfigError(
                f"the cell was found at {cell.sample_rate_hz:.10g} S/s, but the samples come at "
                f"{sample_rate_hz:.10g} S/s: search again at that rate"
            )
        plan = self.plan = PrefixPlan(sample_rate_hz, cell.prefix, cell.spacing_hz)
        limits = ClipLimits.of(sample_format, max_clipped_fraction, clip_level)
        recipe = Recipe.of(plan, sample_format, limits, cell.duplex)
        self._format = sample_format
        # Besides the slots of the block: two that began in earlier ones, one for a gap, and one
        # for a clock that is 100 ppm fast.
        n_rows = int(max_block_samples / plan.slot_samples) + 5
        self._rows = Rows(n_rows, plan.n_subbands)
        self.tracker = Tracker(plan, cell)
        how = Computing.named(computing)
        self._edges = PrefixEdges(plan, sample_format, how)
        self._beside, self._by_place = CellsBeside(plan), LeftByPlace(plan)
        self._last_folded: tuple[IqBlock | None, Folded | None] = None, None
        self._first, stop = recipe.reach
        self._staged = Staged(sample_format, stop - self._first)
        self._cancelling = CANCELLING[how](recipe, self.tracker, self._rows, self._staged)
        self._check = BlockCheck(
            sample_rate_hz,
            sample_format,
            max_block_samples,
            plane="plane",
            at="the cell is cancelled at",
            instead="search at the source's",
        )
        self._next_sample: int | None = None
        self._is_retuned = False
        self._center_freq_hz = center_freq_hz
        self.grid = plan.grid(center_freq_hz)

    def process(self, block: IqBlock) -> PrefixSlots:
        """Return the slots that this block completes: views that the next call overwrites.

        Where samples are missing before the block, the unfinished slot is dropped, one slot without
        power, with the flag DROPPED and the position of the first lost sample, stands for the gap,
        and slots go on where they should. Where the radio was tuned to another frequency, the cell
        is lost: the grid is another, and no slots come any more.

        Raises:
            ModelError: the block's sample rate is not that of the cell.
            SourceError: the block is too long, or does not hold what ``sample_format`` says.
        """
        self._check(block)
        if block.center_freq_hz != self._center_freq_hz:
            self._tune(block.center_freq_hz)
        self._rows.total[0] = 0.0
        n_gap = self._close_gap(block)
        n_rows = n_gap
        if not self._is_retuned:
            n_rows = self._fill(np.ascontiguousarray(block.samples), n_gap, block)
        self._next_sample = block.sample_start + block.n_samples
        rows = self._rows
        return PrefixSlots(
            rows.residual[:n_rows],
            rows.power[:n_rows],
            rows.slot[:n_rows],
            rows.flags[:n_rows],
            rows.tick_start[:n_rows],
            float(rows.total[0]),
            self.grid,
            Span(block.sample_start, block.n_samples, block.utc_ns, block.received_ns),
        )

    @property
    def is_edge_known(self) -> bool:
        """Whether a jump of the timing would be seen; if not, usual blocks are to be learnt."""
        return self._edges.is_ready

    @property
    def is_jump_unsure(self) -> bool:
        """Whether timing jumped, and edges were not as usual since: it may be somebody else."""
        return self._edges.is_jump_unsure

    def learn_edges(self, block: IqBlock) -> None:
        """Learn how prefixes begin and end, from the block that was processed last."""
        self._edges.learn(np.ascontiguousarray(block.samples), *self._timing(block))

    def catch_up(self, block: IqBlock) -> int:
        """Follow a jump of the timing within the block that was processed last.

        Returns:
            By how many samples slots begin later from now on: fewer than none where samples were
            lost and nobody said so, 0 where nothing jumped.
        """
        tracker = self.tracker
        samples = np.ascontiguousarray(block.samples)
        jump = self._edges.jump(samples, *self._timing(block), tracker.steered)
        if jump and self._next_sample is not None:
            tracker.jump(jump, self._next_sample - self._first)
            self._staged.drop()
        return jump

    def left_by_place(self, block: IqBlock) -> NDArray[np.float64]:
        """Return what is left at each place of the windows, of the block that was processed last.

        Linear, all subbands together, float64 ``(n_window,)``; see :class:`LeftByPlace`.
        """
        samples = self._format.to_complex(np.ascontiguousarray(block.samples))
        return self._by_place.of(samples, *self._timing(block))

    def learn_beside(self, block: IqBlock, *, is_normal: bool, weight: float = 1.0) -> None:
        """Learn of cells beside the tracked one, from the block that was processed last.

        ``is_normal`` is whether no alarm is on, ``weight`` that of the block.
        """
        self._beside.learn(self._folded(block), is_normal=is_normal, weight=weight)

    def adopt_beside(self, before: "ResidualPlane") -> None:
        """Know the cells that were known beside the same cell, before it was lost for a while."""
        self._beside = before._beside

    @property
    def is_beside_ready(self) -> bool:
        """Whether enough was heard to find cells beside the tracked one."""
        return self._beside.is_ready

    @property
    def n_beside(self) -> int:
        """Cells that are known beside the tracked one."""
        return self._beside.n_known

    def is_beside(self, cell: Cell) -> bool:
        """Return whether a cell that was found in the same samples is a known one beside this."""
        clock = self.tracker.clock
        return self._beside.has_known_at((cell.frame_start - clock.begin_of(0)) % clock.step)

    def note_beside(self) -> None:
        """Take what has been learnt of cells beside for what is normal."""
        self._beside.note_normal()

    def more_beside(self, block: IqBlock) -> tuple[float, float]:
        """Return the power that known cells beside have more than normal, and by what chance.

        Linear, of all subbands together, as ``power`` of a slot is, in the block that was processed
        last.
        """
        # Mostly nobody is known, and no sample needs to be asked.
        if not self.n_beside:
            return 0.0, 0.0
        return self._beside.more_power(self._folded(block))

    def follow_beside(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what was learnt of cells beside."""
        self._beside.follow(step_db)

    @property
    def is_beside_unsure(self) -> bool:
        """Whether somebody stands out beside the tracked cell who is not known yet."""
        return self._beside.is_unsure

    @property
    def risen_beside(self) -> float:
        """Power that known cells beside have more than normal in the mean of the last 20 s.

        As ``more_beside``: linear, of all subbands together.
        """
        return self._beside.risen_power

    def _folded(self, block: IqBlock) -> Folded:
        """Return the lag products of the block that was processed last; they are made once."""
        last, folded = self._last_folded
        if folded is None or last is not block:
            samples = self._format.to_complex(np.ascontiguousarray(block.samples))
            folded = self._beside.fold(samples, *self._timing(block))
            self._last_folded = block, folded
        return folded

    def _timing(self, block: IqBlock) -> tuple[int, SlotClock, float]:
        """Return where the block that was processed last begins, and the timing of its slots."""
        return block.sample_start, self.tracker.clock, self.tracker.phase

    def _tune(self, center_freq_hz: float) -> None:
        self._center_freq_hz = center_freq_hz
        self.grid = self.plan.grid(center_freq_hz)
        self.tracker.lose()
        self._is_retuned = True

    def _close_gap(self, block: IqBlock) -> int:
        """Write the row of a gap before the block, if there is one; return the number of rows."""
        if self._next_sample is None:
            self.tracker.start_at(block.sample_start - self._first)
        lost = first_lost(block, self._next_sample)
        if lost is None:
            return 0
        rows = self._rows
        rows.residual[0] = rows.power[0] = 0.0
        rows.slot[0] = self.tracker.clock.number
        rows.flags[0] = FrameFlag.DROPPED
        rows.tick_start[0] = lost
        self._staged.drop()
        is_counted = block.n_away > 0 and not block.n_dropped
        self.tracker.skip_to(block.sample_start - self._first, is_counted=is_counted)
        return 1

    def _fill(self, samples: NDArray[Any], row: int, block: IqBlock) -> int:
        """Compute every slot that is complete now, from row ``row`` on; return the next row.

        A slot that began in earlier blocks is computed from what is staged, with as much of this
        one as completes it; all others where they are. What the next slot needs is kept.
        """
        tracker, staged, first_row, n_all_early = self.tracker, self._staged, row, 0
        staged.counts[N_TAKEN] = 0
        is_done = False
        while not is_done:
            # Once more where the tracker looks in between: then slots may begin elsewhere.
            self._cancelling.compute(samples, block.sample_start, row)
            _, _, _, n_slots, n_early = staged.counts.tolist()
            row += n_slots
            n_all_early += n_early
            is_done = tracker.advance(n_slots)
        if staged.flags or block.flags:
            self._mark(first_row, first_row + n_all_early, staged.flags)
            self._mark(first_row, row, block.flags)
            is_kept = staged.counts[STAGED_START] < block.sample_start
            staged.flags = block.flags | (staged.flags if is_kept else FrameFlag.VALID)
        return row

    def _mark(self, first: int, stop: int, flags: FrameFlag) -> None:
        """Flag slots that have samples of a flagged block."""
        self._rows.flags[first:stop] |= np.uint8(flags)
