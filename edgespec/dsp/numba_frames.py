"""The fast path: 16 frames side by side, one in each SIMD lane, compiled once for each n_fft."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from edgespec.dsp import checks, lanes, passes
from edgespec.dsp.jit import ahead
from edgespec.dsp.passes import LANES
from edgespec.dsp.quality import ClipLimits
from edgespec.dsp.tapers import power_window
from edgespec.records import FloatArray, FrameFlag, Geometry, SampleFormat

__all__ = ["NumbaFrames"]

_CF32, _CI16, _CI8, _CU8 = 0, 1, 2, 3
_CODES = {
    SampleFormat.CF32: _CF32,
    SampleFormat.CI16: _CI16,
    SampleFormat.CI8: _CI8,
    SampleFormat.CU8: _CU8,
}
_NONFINITE = np.uint8(FrameFlag.NONFINITE)
_FLIP = np.int32(-0x7F7F7F80)
_HALF = np.float32(0.5)
_ZERO = np.float32(0.0)

#: A line of cache between the rows keeps the same point of two rows out of the same cache set.
_ROW_PADDING = 16


class NumbaFrames:
    """Power and flags of whole frames; see :class:`edgespec.dsp.spectrogram.Frames`."""

    batch_frames = LANES

    def __init__(self, geometry: Geometry, sample_format: SampleFormat, limits: ClipLimits) -> None:
        n_row = geometry.n_fft * LANES + _ROW_PADDING
        self._kernel = _kernel(geometry.n_fft)
        self._format = np.array(
            [
                _CODES[sample_format],
                geometry.n_fft * sample_format.sample_bytes // 4,
                geometry.n_averages,
                limits.max_clipped(2 * geometry.frame_samples),
            ],
            np.int64,
        )
        self._ends = np.array([limits.low, limits.high], np.float64)
        self._window = power_window(geometry, sample_format).astype(np.float32)
        self._factors = passes.twiddles(geometry.n_fft)
        self._work = _aligned(5 * n_row)
        self._tile = _aligned(geometry.n_fft * LANES).view(np.int32)
        self._finite = np.empty(LANES, np.uint8)

    def compute(
        self,
        samples: NDArray[Any],
        n_frames: int,
        power_dbfs: FloatArray,
        flags: NDArray[np.uint8],
    ) -> None:
        """Fill the first ``n_frames`` rows; ``samples`` holds at least a batch."""
        self._kernel(
            samples.reshape(-1).view(np.int32),
            self._format,
            self._ends,
            self._window,
            self._factors,
            self._work,
            self._tile,
            self._finite,
            n_frames,
            power_dbfs,
            flags,
        )


def _aligned(n_items: int) -> FloatArray:
    """Return zeros, float32, that begin on a line of cache."""
    line = 64
    raw = np.zeros(4 * n_items + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + 4 * n_items].view(np.float32)


@functools.cache
def _kernel(n_fft: int) -> Callable[..., None]:
    """Return the compiled loop over batches of frames for one size."""
    row = n_fft * LANES + _ROW_PADDING
    sums = 4 * row
    words_in = types.Array(types.int32, 1, "C", readonly=True, aligned=False)

    @ahead(
        types.void(
            words_in,
            types.int64[::1],
            types.float64[::1],
            types.float32[::1],
            types.complex64[::1],
            types.float32[::1],
            types.int32[::1],
            types.uint8[::1],
            types.int64,
            types.float32[:, ::1],
            types.uint8[::1],
        )
    )
    def frames(  # type: ignore[no-untyped-def]
        words, sample_format, ends, window, factors, work, tile, finite, n_frames, power_dbfs, flags
    ):
        code, fft_words, n_averages, max_clipped = sample_format
        frame_words = fft_words * n_averages
        n_rows = min(LANES, n_frames)
        for batch_first in range(0, n_frames, LANES):
            # Computing some frames again is cheaper than moving the last ones to a full batch.
            first = min(batch_first, n_frames - n_rows)
            batch = first * frame_words
            for b in range(n_rows):
                frame = words[batch + b * frame_words : batch + (b + 1) * frame_words]
                if code == _CF32:
                    flags[first + b] = checks.flag_floats(frame.view(np.float32), ends, max_clipped)
                elif code == _CI16:
                    flags[first + b] = checks.flag_integers(frame.view(np.int16), ends, max_clipped)
                elif code == _CI8:
                    flags[first + b] = checks.flag_integers(frame.view(np.int8), ends, max_clipped)
                else:
                    flags[first + b] = checks.flag_integers(frame.view(np.uint8), ends, max_clipped)
            for k in range(sums, sums + n_fft * LANES):
                work[k] = _ZERO
            for a in range(n_averages):
                at = batch + a * fft_words
                if code == _CF32:
                    lanes.load_cf32(words, at, frame_words, window, work, row)
                elif code == _CI16:
                    lanes.load_ci16(words, at, frame_words, window, work, row, tile)
                elif code == _CI8:
                    lanes.load_int8(
                        words, at, frame_words, window, work, row, tile, np.int32(0), _ZERO
                    )
                else:
                    lanes.load_int8(words, at, frame_words, window, work, row, tile, _FLIP, _HALF)
                if n_fft == 64:
                    passes.add_power_64(work, row, factors)
                elif n_fft == 128:
                    passes.add_power_128(work, row, factors)
                elif n_fft == 256:
                    passes.add_power_256(work, row, factors)
                elif n_fft == 512:
                    passes.add_power_512(work, row, factors)
                else:
                    passes.add_power_1024(work, row, factors)
            lanes.store_dbfs(work, sums, n_fft, power_dbfs, first, n_rows, finite)
            for b in range(n_rows):
                if not finite[b]:
                    flags[first + b] |= _NONFINITE

    return frames
