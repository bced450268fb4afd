"""A part of what a source shows, as if a radio of a lower rate were tuned to it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.channel_plan import ChannelPlan
from edgespec.dsp.quality import ClipLimits, RealSignal
from edgespec.errors import SourceError
from edgespec.records import FrameFlag, IqBlock, SampleFormat, SourceInfo

__all__ = ["Channel"]

_NS = 1_000_000_000
#: Outputs between two turns that are computed anew; those between come from a table.
_N_FINE = 1024
#: Of fewer samples one component may hold one value by chance.
_N_FEW = 64


class Channel:
    """Shifts a part of the band to the middle, filters it and keeps every ``factor``-th sample.

    ``y[m] = sum_k h[k] x[m D + k] exp(-2 pi i f (m D + k) / fs)``, k from -H to H: the filter is
    symmetric, so output m is at the time of input m D. Any division of a stream into blocks gives
    the same outputs, bit for bit. Where samples are missing, or the source was tuned to another
    frequency, it begins anew; while the source does not show the part, nothing comes out.

    What filtering hides is judged before: a stretch of the source as long as one frame in which
    too much clips, or I or Q never changes, is marked on the blocks that come out of it.

    Args:
        source: what the blocks hold.
        plan: which part of it.
        center_freq_hz: middle of that part.
        stretch_samples: samples of the source that are judged together.
        max_block_samples: longest block that ``process`` takes.
        max_clipped_fraction: share of clipped components that a good stretch may have.
        computing: how it is filtered.

    Attributes:
        info: what comes out.
        max_out_samples: longest block that comes out.
    """

    def __init__(
        self,
        source: SourceInfo,
        plan: ChannelPlan,
        center_freq_hz: float,
        *,
        stretch_samples: int,
        max_block_samples: int,
        max_clipped_fraction: float = 0.1,
        computing: Computing = Computing.COMPILED,
    ) -> None:
        self.plan = plan
        self.max_out_samples = max_block_samples // plan.factor + 1
        self.info = replace(
            source,
            sample_rate_hz=source.sample_rate_hz / plan.factor,
            center_freq_hz=center_freq_hz,
            sample_format=SampleFormat.CF32,
            n_samples=None,
        )
        self._source = source
        self._stretch_samples = stretch_samples
        self._max_block_samples = max_block_samples
        self._limits = ClipLimits.of(source.sample_format, max_clipped_fraction)
        self._real_signal = RealSignal()
        self._filter = _filter_of(computing)
        self._tune(source.center_freq_hz)
        half = plan.half_samples
        # Samples of earlier blocks that the next output still needs, and the block behind them.
        self._items = np.zeros(2 * (2 * half + plan.factor + max_block_samples), np.float32)
        self._out = np.empty(self.max_out_samples, np.complex64)
        self.reset()

    def reset(self) -> None:
        """Forget the samples so far and where the stream was."""
        self._n_held = 0
        self._first = 0
        self._number = 0
        self._next_sample: int | None = None
        self._next_out: int | None = None

    def process(self, block: IqBlock) -> Iterator[IqBlock]:
        """Yield what ``block`` completes, one block unless something is wrong with a part of it.

        Its samples are views that are overwritten when the next is taken. Positions are counted
        in samples of the part, lost ones included.

        Raises:
            SourceError: the block is too long.
        """
        if block.n_samples > self._max_block_samples:
            raise SourceError(
                f"a block has {block.n_samples} samples; this channel was made for at most "
                f"{self._max_block_samples}: read less at once"
            )
        is_retuned = block.center_freq_hz != self._tuned_hz
        if is_retuned:
            self._tune(block.center_freq_hz)
        if is_retuned or block.n_dropped or self._next_sample != block.sample_start:
            self._begin_at(block.sample_start)
        self._next_sample = block.sample_start + block.n_samples
        if not self.plan.is_shown:
            return
        samples, n_stretch = block.samples, self._stretch_samples
        starts = range(0, block.n_samples, n_stretch)
        may_clip = math.isfinite(self._limits.high) and (
            samples.min() <= self._limits.low or samples.max() >= self._limits.high
        )
        flags = [self._judge(samples[start : start + n_stretch], may_clip) for start in starts]
        marks = np.array(flags, np.uint8)
        self._real_signal.spare(marks)
        if not np.count_nonzero(marks):
            yield from self._take(block, 0, block.n_samples, FrameFlag.VALID)
            return
        for start, flag in zip(starts, marks, strict=True):
            stop = min(start + n_stretch, block.n_samples)
            yield from self._take(block, start, stop, FrameFlag(int(flag)))

    def _tune(self, tuned_hz: float) -> None:
        """Find the part again where the source is tuned to ``tuned_hz``."""
        self._tuned_hz = tuned_hz
        plan = self.plan = replace(self.plan, offset_hz=self.info.center_freq_hz - tuned_hz)
        taps = plan.low_pass() * plan.rotation(0, 2 * plan.half_samples + 1)
        self._real = np.stack([taps.real, -taps.imag], axis=1).astype(np.float32).reshape(-1)
        self._imag = np.stack([taps.imag, taps.real], axis=1).astype(np.float32).reshape(-1)
        self._fine = plan.rotation(0, _N_FINE, plan.factor)

    def _begin_at(self, sample: int) -> None:
        self._n_held, self._first = 0, sample
        self._number = -(-(sample + self.plan.half_samples) // self.plan.factor)

    def _take(self, block: IqBlock, start: int, stop: int, flags: FrameFlag) -> Iterator[IqBlock]:
        """Filter a part of a block, and yield what comes out of it, if anything does."""
        plan, half = self.plan, self.plan.half_samples
        self._hold(block.samples[start:stop])
        n_out = (self._first + self._n_held - 1 - half) // plan.factor - self._number + 1
        if n_out <= 0:
            return
        number, at = self._number, self._number * plan.factor
        coarse = plan.rotation(
            number // _N_FINE * _N_FINE * plan.factor - half,
            (number + n_out - 1) // _N_FINE - number // _N_FINE + 1,
            _N_FINE * plan.factor,
        )
        self._filter(
            self._items, at - half - self._first, n_out, plan.factor, self._real, self._imag,
            coarse, self._fine, number, self._out,
        )  # fmt: skip
        self._number += n_out
        n_dropped = 0 if self._next_out is None else number - self._next_out
        self._next_out = self._number
        self._let_go()
        age_s = (at - block.sample_start) / plan.source_rate_hz
        yield IqBlock(
            self._out[:n_out],
            self.info.sample_rate_hz,
            self.info.center_freq_hz,
            number,
            block.utc_ns + round(age_s * _NS),
            n_dropped,
            block.received_ns,
            flags,
        )

    def _hold(self, samples: NDArray[Any]) -> None:
        """Put samples behind those that are held, full scale as 1."""
        items = self._items[2 * self._n_held :][: 2 * len(samples)]
        self._n_held += len(samples)
        if self._source.sample_format is SampleFormat.CF32:
            items.view(np.complex64)[:] = samples
            return
        kind = self._source.sample_format
        np.subtract(samples.reshape(-1), np.float32(kind.zero), out=items)
        items *= np.float32(1.0 / kind.full_scale)

    def _let_go(self) -> None:
        """Drop what no later output needs."""
        first = self._number * self.plan.factor - self.plan.half_samples
        n_gone = first - self._first
        self._items[: 2 * (self._n_held - n_gone)] = self._items[2 * n_gone : 2 * self._n_held]
        self._first, self._n_held = first, self._n_held - n_gone

    def _judge(self, samples: NDArray[Any], may_clip: bool) -> FrameFlag:
        """Return what is wrong with a stretch, by the rule of :mod:`edgespec.dsp.quality`."""
        flags = FrameFlag.VALID
        if may_clip:
            clipped = (samples <= self._limits.low) | (samples >= self._limits.high)
            if np.count_nonzero(clipped) > self._limits.max_clipped(samples.size):
                flags |= FrameFlag.CLIPPED
        pairs = samples if samples.ndim == 2 else samples.view(np.float32).reshape(-1, 2)
        # Looking at a few samples spares looking at all of them.
        held = (pairs[:_N_FEW] == pairs[0]).all(axis=0)
        if held.any():
            held = (pairs == pairs[0]).all(axis=0)
        if held.all():
            flags |= FrameFlag.CONSTANT
        elif held.any() and len(pairs) >= _N_FEW:
            flags |= FrameFlag.HALF
        return flags


def _filter_of(computing: Computing) -> Callable[..., None]:
    if computing is Computing.COMPILED:
        from edgespec.dsp import channel_loops

        channel_loops.load()
        compiled: Any = channel_loops.filter_samples
        return compiled  # type: ignore[no-any-return]
    from edgespec.dsp.channel_plain import filter_samples

    return filter_samples
