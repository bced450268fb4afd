"""The level of a cell's always-on reference signals, slot by slot, whatever its traffic does."""

import math
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.prefix import pilot_plain
from edgespec.dsp.prefix.active import ActiveSymbols
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.pilot_clock import PilotClock
from edgespec.dsp.prefix.pilot_plan import N_ROWS, PILOT_SPACING_HZ, pilot_plan
from edgespec.dsp.quality import ClipLimits
from edgespec.dsp.stream import is_near_rate
from edgespec.errors import SourceError
from edgespec.grid import Grid, Span
from edgespec.lte.numerology import SLOTS_PER_FRAME, SUBCARRIER_HZ
from edgespec.lte.reference_slots import ReferenceSlots
from edgespec.records import FrameFlag, IqBlock, SampleFormat

__all__ = ["ReferencePlane"]

#: Samples kept before the next slot: by so much a correction of timing may move it.
_SPARE_S = 6e-6


class ReferencePlane:
    """Turns blocks of samples into the level of one cell in each half resource block and slot.

    In each symbol with reference signals (TS 36.211, sec. 6.10.1) a DFT at these alone gives the
    channel h; the product of neighbours, ``h[k] conj(h[k + 1])``, summed over the active symbols of
    a slot, has the level as its mean: noise and whatever else is heard have none, and no common
    phase matters. Its angle is the error of timing, which is followed frame by frame.

    Any division of a stream into blocks gives the same slots, bit for bit. Where samples are
    missing, slots are, and the timing goes on: the count of samples does. A retune ends it.

    Args:
        cell: whom to follow, as it was found on this stream's count of samples.
        sample_format: of the blocks.
        center_freq_hz: where the source is tuned to; 0 where it does not know.
        max_block_samples: longest block that ``process`` takes.
        n_blocks: resource blocks of the cell, None: as many as the band shows.
        max_clipped_fraction: share of clipped components that a good slot may have.
        computing: how it is computed.

    Attributes:
        clock: timing, clock error and coherence, frame by frame.
        active: which symbols are summed.
        grid: of the slots.
        is_lost: the source was tuned to something else: nothing comes out any more.
    """

    def __init__(
        self,
        cell: Cell,
        sample_format: SampleFormat,
        *,
        center_freq_hz: float,
        max_block_samples: int,
        n_blocks: int | None = None,
        max_clipped_fraction: float = 0.1,
        computing: Computing = Computing.COMPILED,
    ) -> None:
        self.plan = plan = pilot_plan(cell, n_blocks)
        rate_hz = cell.sample_rate_hz
        self.cell = cell
        arithmetic = _arithmetic_of(computing)
        # Functions: who copies a plane cannot copy a module.
        self._measure, self._note = arithmetic.measure_slots, arithmetic.note_slots
        self._sum_active = arithmetic.sum_active
        self.active = ActiveSymbols(cell.duplex, arithmetic.learn_active)
        self.clock = PilotClock(
            cell.frame_start, SLOTS_PER_FRAME * plan.slot_samples, cell.ppm, PILOT_SPACING_HZ
        )
        self.is_lost = False
        self._center_freq_hz = center_freq_hz
        freqs_hz = center_freq_hz + plan.freqs_hz
        self.grid = Grid(freqs_hz, PILOT_SPACING_HZ, round(plan.slot_samples), rate_hz)
        self._limits = ClipLimits.of(sample_format, max_clipped_fraction)
        self._most_clipped = self._limits.max_clipped(4 * plan.n_samples)
        self._scaling = np.array(
            [
                sample_format.zero,
                1.0 / (sample_format.full_scale * plan.n_samples),
                self._limits.low,
                self._limits.high,
            ]
        )
        self._spare = math.ceil(_SPARE_S * rate_hz)
        self._steps = np.array([PILOT_SPACING_HZ / rate_hz, 1 + SUBCARRIER_HZ / PILOT_SPACING_HZ])
        self._max_block_samples = max_block_samples
        n_kept = math.ceil(plan.slot_samples) + 2 * self._spare
        item_type = np.float32 if sample_format is SampleFormat.CF32 else sample_format.dtype
        self._items: NDArray[Any] = np.zeros(2 * (n_kept + max_block_samples), item_type)
        n_slots = int((n_kept + max_block_samples) / plan.slot_samples) + 2
        self._make_rows(n_slots)
        self._place = np.zeros(3 + N_ROWS)
        self._work = np.zeros(4 * plan.cosines.shape[1] + 4 * len(plan.cosines), np.float32)
        self._frame_totals = np.zeros((SLOTS_PER_FRAME, N_ROWS, 3), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget the samples in hand, and where the stream was; timing and pattern stay."""
        self._n_held = 0
        self._first = 0
        self._slot = 0
        self._next_sample: int | None = None
        self._held_flags = FrameFlag.VALID
        self._frame_totals[:] = 0.0
        self._is_whole = False

    def freeze(self, is_frozen: bool) -> None:
        """Stop following timing and pattern, as while an alarm is on, or go on with it."""
        self.clock.is_frozen = self.active.is_frozen = is_frozen

    def process(self, block: IqBlock) -> ReferenceSlots:
        """Return the slots that ``block`` completes, as views that the next call overwrites.

        Raises:
            SourceError: the block is too long, or has another rate.
        """
        if block.n_samples > self._max_block_samples:
            raise SourceError(
                f"a block has {block.n_samples} samples; this plane was made for at most "
                f"{self._max_block_samples}: read less at once"
            )
        self.is_lost = (
            self.is_lost
            or block.center_freq_hz != self._center_freq_hz
            or not is_near_rate(block.sample_rate_hz, self.cell.sample_rate_hz)
        )
        if self.is_lost:
            return self._rows(0, block)
        if block.n_dropped or self._next_sample != block.sample_start:
            self._begin_at(block.sample_start)
        self._next_sample = block.sample_start + block.n_samples
        items = self._items[2 * self._n_held :][: 2 * block.n_samples]
        items[:] = block.samples.view(items.dtype).reshape(-1)
        self._n_held += block.n_samples
        flags = int(block.flags | self._held_flags)
        n_done = 0
        while n_ready := self._count_ready():
            self._take(n_done, n_ready, flags)
            n_done += n_ready
        self._held_flags = block.flags
        self._let_go()
        return self._rows(n_done, block)

    def _begin_at(self, sample: int) -> None:
        """Go on with the first slot that lies behind ``sample`` as a whole."""
        self._n_held, self._first = 0, sample
        self._held_flags = FrameFlag.VALID
        slot_samples = self.plan.slot_samples * self.clock.stretch
        number = math.ceil((sample - 0.5 - self.clock.frame_start) / slot_samples)
        n_frames, self._slot = divmod(number, SLOTS_PER_FRAME)
        self.clock.skip(n_frames)
        self._frame_totals[:] = 0.0
        self._is_whole = self._slot == 0

    def _begin_of(self, slot: int) -> float:
        """Return the sample of the source at which a slot of the frame in hand begins."""
        return self.clock.frame_start + slot * self.plan.slot_samples * self.clock.stretch

    def _count_ready(self) -> int:
        """Return how many slots of the frame in hand lie in the samples in hand."""
        plan = self.plan
        last = float(plan.offset_samples[-1]) * self.clock.stretch + plan.n_samples + 1
        room = self._first + self._n_held - last - self._begin_of(self._slot)
        n_ready = math.floor(float(room) / (plan.slot_samples * self.clock.stretch)) + 1
        return min(max(n_ready, 0), SLOTS_PER_FRAME - self._slot)

    def _take(self, row: int, n_slots: int, flags: int) -> None:
        """Measure slots of one frame, and at its end follow what they say of timing."""
        plan, clock, rows = self.plan, self.clock, slice(row, row + n_slots)
        self._place[0] = clock.frame_start - self._first
        self._place[1] = plan.slot_samples * clock.stretch
        self._place[2] = plan.early_samples * clock.stretch
        np.multiply(plan.offset_samples, clock.stretch, out=self._place[3:])
        mask = self.active.mask
        self._measure(
            self._items, self._place, self._scaling, self._steps, self._slot, plan.first_pilot,
            plan.turn, plan.cosines, plan.sines, plan.sequence, mask, self._work,
            self._product[rows], self._power[rows], self._totals[rows], self._clipped[rows],
        )  # fmt: skip
        self._note(
            row, n_slots, self._slot, self._place, self._first, flags, self._most_clipped, mask,
            self._totals, self._clipped, self._flags, self._count, self._numbers, self._ticks,
            self._frame_totals,
        )  # fmt: skip
        self._slot += n_slots
        if self._slot == SLOTS_PER_FRAME:
            self._end_frame()

    def _end_frame(self) -> None:
        totals, n_pilots = self._frame_totals, self.plan.n_pilots
        re, im, power = self._sum_active(totals, self.active.mask)
        # There is one product less than pilots.
        self.clock.end_frame(complex(re, im), power * (n_pilots - 1) / n_pilots)
        if self._is_whole:
            self.active.end_frame(totals)
        self._slot, self._is_whole = 0, True
        totals[:] = 0.0

    def _let_go(self) -> None:
        """Drop the samples that no later slot needs."""
        n_gone = math.floor(self._begin_of(self._slot)) - self._spare - self._first
        n_gone = min(max(n_gone, 0), self._n_held)
        self._items[: 2 * (self._n_held - n_gone)] = self._items[2 * n_gone : 2 * self._n_held]
        self._first, self._n_held = self._first + n_gone, self._n_held - n_gone

    def _make_rows(self, n_slots: int) -> None:
        n_pilots = self.plan.n_pilots
        self._product = np.zeros((n_slots, n_pilots - 1), np.complex64)
        self._power = np.zeros((n_slots, n_pilots), np.float32)
        self._count = np.zeros(n_slots, np.uint8)
        self._numbers = np.zeros(n_slots, np.int64)
        self._flags = np.zeros(n_slots, np.uint8)
        self._ticks = np.zeros(n_slots, np.int64)
        self._totals = np.zeros((n_slots, N_ROWS, 3), np.float32)
        self._clipped = np.zeros(n_slots, np.int64)

    def _rows(self, n: int, block: IqBlock) -> ReferenceSlots:
        return ReferenceSlots(
            product=self._product[:n],
            power=self._power[:n],
            count=self._count[:n],
            slot=self._numbers[:n],
            flags=self._flags[:n],
            tick_start=self._ticks[:n],
            grid=self.grid,
            span=Span(block.sample_start, block.n_samples, block.utc_ns, block.received_ns),
        )


def _arithmetic_of(computing: Computing) -> ModuleType:
    if computing is Computing.COMPILED:
        from edgespec.dsp.prefix import pilot_loops

        return pilot_loops
    return pilot_plain
