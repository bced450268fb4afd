"""The front end: a stream of IQ blocks becomes a stream of frames of power in dBFS."""

import importlib.util
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.quality import ClipLimits
from edgespec.errors import ConfigError, ModelError, SourceError
from edgespec.records import (
    FloatArray,
    FrameFlag,
    Geometry,
    IqBlock,
    SampleFormat,
    Spectrogram,
)
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["BACKENDS", "RATE_TOLERANCE", "Frames", "FrontEnd"]


#: Radios round the rate they are asked for; this much is a shift of a tenth of a bin at most.
RATE_TOLERANCE = 1e-4


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


def _numba(geometry: Geometry, sample_format: SampleFormat, limits: ClipLimits) -> Frames:
    from edgespec.dsp.numba_frames import NumbaFrames

    return NumbaFrames(geometry, sample_format, limits)


def _scipy(geometry: Geometry, sample_format: SampleFormat, limits: ClipLimits) -> Frames:
    from edgespec.dsp.scipy_frames import ScipyFrames

    return ScipyFrames(geometry, sample_format, limits)


BACKENDS: dict[str, Callable[[Geometry, SampleFormat, ClipLimits], Frames]] = {
    "numba": _numba,
    "scipy": _scipy,
}


def _choose(backend: str) -> str:
    if backend == "auto":
        return "numba" if importlib.util.find_spec("numba") else "scipy"
    if backend not in BACKENDS:
        raise ConfigError(
            f"front-end backend is {backend!r}; known are auto, {', '.join(BACKENDS)}"
        )
    return backend


class FrontEnd:
    """Mean of ``n_averages`` tapered power spectra per frame, in dBFS (Li et al. 2019, sec. 4.2).

    ``P[q] = 1/M sum_m |sum_k w[k] x[m N + k] exp(-2j pi q k / N)|^2 / (sum_k w[k])^2``, so a
    complex exponential of modulus 1 on the centre of a bin is 0 dBFS there. Frames follow each
    other without overlap and may straddle blocks: any division of a stream into blocks gives the
    same frames, bit for bit.

    Args:
        geometry: rate, FFT size, averages, taper.
        sample_format: what the blocks hold.
        max_block_samples: longest block that ``process`` takes; the buffers are made for it.
        backend: ``numba``, ``scipy``, or ``auto``: numba where it is installed.
        max_clipped_fraction: share of clipped I and Q components that a valid frame may have.
        clip_level: for complex64 only, the magnitude of I or Q at which the radio clips.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(
        self,
        geometry: Geometry,
        sample_format: SampleFormat,
        *,
        max_block_samples: int,
        backend: str = "auto",
        max_clipped_fraction: float = 0.1,
        clip_level: float | None = None,
    ) -> None:
        if max_block_samples < 1:
            raise ConfigError(f"max_block_samples is {max_block_samples}; it must be at least 1")
        limits = ClipLimits.of(sample_format, max_clipped_fraction, clip_level)
        self.geometry = geometry
        self.sample_format = sample_format
        self.max_block_samples = max_block_samples
        self.backend = _choose(backend)
        self._frames = BACKENDS[self.backend](geometry, sample_format, limits)
        self._staged = sample_format.empty(self._frames.batch_frames * geometry.frame_samples)
        self._staged[:] = 0
        # Besides the frames of the block: one that began in earlier blocks, one for a gap.
        n_rows = max_block_samples // geometry.frame_samples + 2
        self._power_dbfs = np.empty((n_rows, geometry.n_fft), np.float32)
        self._flags = np.empty(n_rows, np.uint8)
        self._sample_start = np.empty(n_rows, np.int64)
        self._steps = np.arange(n_rows, dtype=np.int64) * geometry.frame_samples
        self.reset()

    def reset(self) -> None:
        """Forget the unfinished frame and where the stream was."""
        self._n_staged = 0
        self._staged_flags = FrameFlag.VALID
        self._next_sample: int | None = None
        self._center_freq_hz = math.nan

    def process(self, block: IqBlock) -> Spectrogram:
        """Return the frames that this block completes: views that the next call overwrites.

        Where samples are missing before the block, or the radio was tuned to another frequency,
        the unfinished frame is dropped, one frame at the floor with the flag DROPPED and the
        position of the first lost sample stands for the gap, and the next frame begins with the
        block.

        Raises:
            ModelError: the block's sample rate is not that of the geometry.
            SourceError: the block is too long, or does not hold what ``sample_format`` says.
        """
        self._check(block)
        n_gap = self._close_gap(block)
        n_frames = self._fill(np.ascontiguousarray(block.samples), n_gap, block.sample_start)
        n_rows = n_gap + n_frames
        self._mark(block.flags, n_gap, n_rows)
        self._next_sample = block.sample_start + block.n_samples
        self._center_freq_hz = block.center_freq_hz
        return Spectrogram(
            self._power_dbfs[:n_rows], self._flags[:n_rows], self._sample_start[:n_rows]
        )

    def _mark(self, flags: FrameFlag, first: int, stop: int) -> None:
        """Flag every frame that has samples of a flagged block, also those yet unfinished."""
        if not flags and not self._staged_flags:
            return
        if stop > first:
            self._flags[first] |= np.uint8(self._staged_flags)
            self._flags[first:stop] |= np.uint8(flags)
            self._staged_flags = FrameFlag.VALID
        self._staged_flags = self._staged_flags | flags if self._n_staged else FrameFlag.VALID

    def _check(self, block: IqBlock) -> None:
        wanted_hz = self.geometry.sample_rate_hz
        if not abs(block.sample_rate_hz - wanted_hz) <= RATE_TOLERANCE * wanted_hz:
            raise ModelError(
                f"the samples come at {block.sample_rate_hz:.10g} S/s, but the model was made for"
                f" {wanted_hz:.10g} S/s: set the source to that rate, or choose"
                " a model for the source's"
            )
        if block.n_samples > self.max_block_samples:
            raise SourceError(
                f"a block has {block.n_samples} samples; this front end was made for at most"
                f" {self.max_block_samples}: read less at once, or make it with a larger"
                " max_block_samples"
            )
        samples, expected = block.samples, self._staged
        if samples.dtype != expected.dtype or samples.shape[1:] != expected.shape[1:]:
            raise SourceError(
                f"a block has samples of type {samples.dtype} and shape {samples.shape};"
                f" {self.sample_format.value} needs {expected.dtype} (n_samples"
                f"{', 2' if expected.ndim == 2 else ','})"
            )

    def _close_gap(self, block: IqBlock) -> int:
        """Write the row of a gap before the block, if there is one; return the number of rows."""
        expected = self._next_sample
        lost = block.n_dropped > 0 or expected not in (None, block.sample_start)
        known = not math.isnan(self._center_freq_hz)
        if not lost and not (known and self._center_freq_hz != block.center_freq_hz):
            return 0
        first_lost = block.sample_start - block.n_dropped
        if block.n_dropped == 0 and expected is not None:
            first_lost = min(expected, block.sample_start)
        self._n_staged = 0
        self._staged_flags = FrameFlag.VALID
        self._power_dbfs[0] = POWER_FLOOR_DBFS
        self._flags[0] = FrameFlag.DROPPED
        self._sample_start[0] = first_lost
        return 1

    def _fill(self, samples: NDArray[Any], row: int, sample_start: int) -> int:
        """Compute every frame that is complete now, from row ``row`` on; return their number.

        An unfinished frame, together with as many frames of the block as leave whole batches
        behind, goes through the staging buffer, and so do frames that do not fill one batch. All
        others are computed where they are.
        """
        n_frame, n_batch = self.geometry.frame_samples, self._frames.batch_frames
        n_old = self._n_staged
        n_frames = (n_old + len(samples)) // n_frame
        n_stage = n_frames if n_frames < n_batch else 0
        if n_old and not n_stage:
            n_stage = n_frames % n_batch or min(n_batch, n_frames)
        np.add(
            self._steps[:n_frames], sample_start - n_old, out=self._sample_start[row:][:n_frames]
        )
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
