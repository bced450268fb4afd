"""The front end: a stream of IQ blocks becomes a stream of frames of power in dBFS."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import AUTO, Computing
from edgespec.dsp.block_check import BlockCheck
from edgespec.dsp.kept_samples import KeptSamples
from edgespec.dsp.look import BlockLook
from edgespec.dsp.quality import ClipLimits, RealSignal
from edgespec.dsp.stream import first_lost, is_near_rate
from edgespec.errors import ConfigError, SourceError
from edgespec.framing import Framing
from edgespec.grid import Grid, Span
from edgespec.records import FloatArray, FrameFlag, IqBlock, SampleFormat, SourceInfo, Spectrogram
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["FRAMES", "Frames", "FrontEnd", "PlaneSource"]


class PlaneSource(Protocol):
    """Makes the frames of one plane, on one grid at a time."""

    @property
    def grid(self) -> Grid:
        """The grid of the next frames, the same object while nothing changes."""
        ...

    def process(self, block: Any, /) -> Spectrogram:
        """Return the frames that some input completes: views that the next call overwrites."""
        ...


class Frames(Protocol):
    """Computes whole frames, in batches of ``batch_frames``; the last batch may overlap."""

    batch_frames: int

    def compute(
        self,
        samples: NDArray[Any],
        n_frames: int,
        power_dbfs: FloatArray,
        flags: NDArray[np.uint8],
    ) -> None:
        """Write power and flags of ``n_frames`` frames to the first rows.

        Args:
            samples: complex64 ``(n_samples,)`` or integers ``(n_samples, 2)``, contiguous: at
                least a batch of frames, one after the other; those behind ``n_frames`` may be
                anything.
            n_frames: how many frames to compute.
            power_dbfs: float32 ``(>= n_frames, n_fft)``, fft-shifted.
            flags: uint8 ``(>= n_frames,)`` of :class:`~edgespec.records.FrameFlag`.
        """
        ...


def _compiled(framing: Framing, sample_format: SampleFormat, limits: ClipLimits) -> Frames:
    from edgespec.dsp.compiled_frames import CompiledFrames

    return CompiledFrames(framing, sample_format, limits)


def _plain(framing: Framing, sample_format: SampleFormat, limits: ClipLimits) -> Frames:
    from edgespec.dsp.plain_frames import PlainFrames

    return PlainFrames(framing, sample_format, limits)


FRAMES: dict[Computing, Callable[[Framing, SampleFormat, ClipLimits], Frames]] = {
    Computing.COMPILED: _compiled,
    Computing.PLAIN: _plain,
}


class FrontEnd:
    """Mean of ``n_averages`` tapered power spectra per frame, in dBFS (Li et al. 2019, sec. 4.2).

    ``P[q] = 1/M sum_m |sum_k w[k] x[m N + k] exp(-2j pi q k / N)|^2 / (sum_k w[k])^2``, so a
    complex exponential of modulus 1 on the centre of a bin is 0 dBFS there. Frames follow each
    other without overlap and may straddle blocks: any division of a stream into blocks gives the
    same frames, bit for bit.

    Args:
        framing: rate, FFT size, averages, taper.
        sample_format: what the blocks hold.
        max_block_samples: longest block that ``process`` takes; the buffers are made for it.
        computing: ``compiled``, ``plain`` or ``auto``.
        max_clipped_fraction: share of clipped I and Q components that a valid frame may have.
        clip_level: for complex64 only, the magnitude of I or Q at which the radio clips.
        center_freq_hz: of the first block; 0 where it is unknown.

    Attributes:
        grid: of the frames since the last retune.
        center_freq_hz: of these frames; 0 where it is unknown.
        max_frames: most frames that one block completes.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(
        self,
        framing: Framing,
        sample_format: SampleFormat,
        *,
        max_block_samples: int,
        computing: str = AUTO,
        max_clipped_fraction: float = 0.1,
        clip_level: float | None = None,
        center_freq_hz: float = 0.0,
    ) -> None:
        if max_block_samples < 1:
            raise ConfigError(f"max_block_samples is {max_block_samples}; it must be at least 1")
        limits = self._limits = ClipLimits.of(sample_format, max_clipped_fraction, clip_level)
        self.framing = framing
        self.sample_format = sample_format
        self.max_block_samples = max_block_samples
        self.computing = Computing.named(computing)
        self._frames = FRAMES[self.computing](framing, sample_format, limits)
        self._staged = sample_format.empty(self._frames.batch_frames * framing.frame_samples)
        self._staged[:] = 0
        self._check = BlockCheck(
            framing.sample_rate_hz,
            sample_format,
            max_block_samples,
            plane="front end",
            at="the model was made for",
            instead="choose a model for the source's",
        )
        # Besides the frames of the block: one that began in earlier blocks, one for a gap.
        n_rows = max_block_samples // framing.frame_samples + 2
        self.max_frames = n_rows
        self._power_dbfs = np.empty((n_rows, framing.n_fft), np.float32)
        self._flags = np.empty(n_rows, np.uint8)
        self._real_signal = RealSignal()
        self._tick_start = np.empty(n_rows, np.int64)
        self._steps = np.arange(n_rows, dtype=np.int64) * framing.frame_samples
        # NumPy takes twice as long to add an integer of Python.
        self._first_tick = np.zeros((), np.int64)
        self._kept = KeptSamples(sample_format, max_block_samples)
        self._tune(center_freq_hz)
        self.reset()

    @classmethod
    def for_source(
        cls,
        framing: Framing,
        source: SourceInfo,
        *,
        max_block_samples: int,
        computing: str = AUTO,
        max_clipped_fraction: float = 0.1,
    ) -> "FrontEnd":
        """Return the front end for what a source delivers.

        Raises:
            SourceError: the source has another sample rate than the framing.
        """
        if not is_near_rate(source.sample_rate_hz, framing.sample_rate_hz):
            raise SourceError(
                f"{source.uri} delivers {source.sample_rate_hz:.10g} samples/s, but the bundle "
                f"was made for {framing.sample_rate_hz:.10g}: set the source's sample rate to "
                "that, or choose a bundle made for this rate"
            )
        return cls(
            framing,
            source.sample_format,
            max_block_samples=max_block_samples,
            computing=computing,
            max_clipped_fraction=max_clipped_fraction,
            center_freq_hz=source.center_freq_hz,
        )

    def reset(self) -> None:
        """Forget the unfinished frame and where the stream was."""
        self._n_staged = 0
        self._staged_flags = FrameFlag.VALID
        self._next_sample: int | None = None

    def _tune(self, center_freq_hz: float) -> None:
        """Begin a new grid; the unfinished frame is dropped."""
        self.center_freq_hz = center_freq_hz
        self.grid = self.framing.grid(center_freq_hz)
        self._n_staged = 0
        self._staged_flags = FrameFlag.VALID

    def process(self, block: IqBlock) -> Spectrogram:
        """Return the frames that this block completes: views that the next call overwrites.

        Where samples are missing before the block, the unfinished frame is dropped, one frame at
        the floor with the flag DROPPED and the position of the first lost sample stands for the
        gap, and the next frame begins with the block. Where the radio was tuned to another
        frequency, the unfinished frame is dropped as well, and the next one lies on a new grid. So
        it is where the radio was away and is back: nothing is lost, and the grid is the same.

        Raises:
            ModelError: the block's sample rate is not that of the framing.
            SourceError: the block is too long, or does not hold what ``sample_format`` says.
        """
        self._check(block)
        self._kept.take(block)
        if block.center_freq_hz != self.center_freq_hz:
            self._tune(block.center_freq_hz)
        if block.n_away:
            self.reset()
        n_gap = self._close_gap(block)
        samples, start = np.ascontiguousarray(block.samples), block.sample_start
        n_samples = len(samples)
        n_rows = n_gap + self._fill(samples, n_gap, start)
        if block.flags or self._staged_flags:
            self._mark(block.flags, n_gap, n_rows)
        self._next_sample = start + n_samples
        flags = self._flags[:n_rows]
        self._real_signal.spare(flags[n_gap:])
        # The row of a gap is flagged; all others follow each other.
        is_whole = not np.count_nonzero(flags)
        return Spectrogram(
            self._power_dbfs[:n_rows],
            flags,
            self._tick_start[:n_rows],
            self.grid,
            Span(start, n_samples, block.utc_ns, block.received_ns),
            clipped_share=0.0 if is_whole else self._clipped_share(block, flags),
            is_whole=is_whole,
        )

    def keep(self, first: int, n_back: int) -> None:
        """Keep samples for :meth:`look`; see :meth:`KeptSamples.keep`."""
        self._kept.keep(first, n_back)

    def let_go(self) -> None:
        """Keep no samples any more."""
        self._kept.let_go()

    def look(self, tick_start: int, n_ticks: int) -> BlockLook | None:
        """Return a finer look at some samples; None where not all of them are kept."""
        samples = self._kept.samples(tick_start, n_ticks)
        if samples is None:
            return None
        return BlockLook(self.sample_format.to_complex(samples), self.framing)

    def _clipped_share(self, block: IqBlock, flags: NDArray[np.uint8]) -> float:
        if not np.any(flags & np.uint8(FrameFlag.CLIPPED)):
            return 0.0
        # Of a part of a band, the samples that clipped are gone.
        is_told = bool(block.flags & FrameFlag.CLIPPED)
        return 1.0 if is_told else self._limits.clipped_share(np.ascontiguousarray(block.samples))

    def _mark(self, flags: FrameFlag, first: int, stop: int) -> None:
        """Flag every frame that has samples of a flagged block, also those yet unfinished."""
        if stop > first:
            self._flags[first] |= np.uint8(self._staged_flags)
            self._flags[first:stop] |= np.uint8(flags)
            self._staged_flags = FrameFlag.VALID
        self._staged_flags = self._staged_flags | flags if self._n_staged else FrameFlag.VALID

    def _close_gap(self, block: IqBlock) -> int:
        """Write the row of a gap before the block, if there is one; return the number of rows."""
        lost = first_lost(block, self._next_sample)
        if lost is None:
            return 0
        self._n_staged = 0
        self._staged_flags = FrameFlag.VALID
        self._power_dbfs[0] = POWER_FLOOR_DBFS
        self._flags[0] = FrameFlag.DROPPED
        self._tick_start[0] = lost
        return 1

    def _fill(self, samples: NDArray[Any], row: int, sample_start: int) -> int:
        """Compute every frame that is complete now, from row ``row`` on; return their number.

        An unfinished frame, together with as many frames of the block as leave whole batches
        behind, goes through the staging buffer, and so do frames that do not fill one batch. All
        others are computed where they are.
        """
        n_frame, n_batch = self.framing.frame_samples, self._frames.batch_frames
        n_old = self._n_staged
        n_frames = (n_old + len(samples)) // n_frame
        n_stage = n_frames if n_frames < n_batch else 0
        if n_old and not n_stage:
            n_stage = n_frames % n_batch or min(n_batch, n_frames)
        self._first_tick[()] = sample_start - n_old
        tick_start = self._tick_start[row : row + n_frames]
        np.add(self._steps[:n_frames], self._first_tick, out=tick_start)
        n_used = 0
        if n_stage:
            n_used = n_stage * n_frame - n_old
            self._staged[n_old : n_stage * n_frame] = samples[:n_used]
            self._frames.compute(self._staged, n_stage, self._power_dbfs[row:], self._flags[row:])
            n_old = 0
        if n_frames > n_stage:
            n_direct = (n_frames - n_stage) * n_frame
            self._frames.compute(
                samples[n_used : n_used + n_direct],
                n_frames - n_stage,
                self._power_dbfs[row + n_stage :],
                self._flags[row + n_stage :],
            )
            n_used += n_direct
        n_rest = len(samples) - n_used
        if n_rest:
            self._staged[n_old : n_old + n_rest] = samples[n_used:]
        self._n_staged = n_old + n_rest
        return n_frames
