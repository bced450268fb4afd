"""The fast path: 16 frames side by side, one in each SIMD lane, compiled once for each n_fft."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from edgespec.dsp import lanes, passes
from edgespec.dsp.checks import flag_floats, flag_integers
from edgespec.dsp.passes import LANES
from edgespec.dsp.quality import ClipLimits
from edgespec.dsp.tapers import power_window
from edgespec.framing import Framing
from edgespec.jit import ahead, at_width
from edgespec.jit.vectors import default_bits
from edgespec.memory import aligned_floats
from edgespec.records import FloatArray, SampleFormat

__all__ = ["CompiledFrames"]

#: Whole samples in a 32-bit word; a sample of complex64 is two words.
_N_FIELDS = {
    SampleFormat.CF32: 0,
    SampleFormat.CI16: 1,
    SampleFormat.CI8: 2,
    SampleFormat.CU8: 2,
}
_ZERO = np.float32(0.0)

#: What turns offset binary into two's complement; samples are then as much too low.
_FLIP = {SampleFormat.CU8: -0x7F7F7F80}
_TOO_LOW = {SampleFormat.CU8: 0.5}


class CompiledFrames:
    """Power and flags of whole frames; see :class:`edgespec.dsp.spectrogram.Frames`."""

    batch_frames = 1

    def __init__(self, framing: Framing, sample_format: SampleFormat, limits: ClipLimits) -> None:
        n_fields = _N_FIELDS[sample_format]
        self._kernel = _kernel(framing.n_fft, n_fields)
        self._settings = np.array(
            [
                _FLIP.get(sample_format, 0),
                framing.n_averages,
                limits.max_clipped(2 * framing.frame_samples),
            ],
            np.int64,
        )
        self._widths = np.array(lanes.lane_widths(framing.n_averages), np.int64)
        self._ends = np.array([limits.low, limits.high], np.float64)
        window = power_window(framing, sample_format)
        window = window.reshape(passes.radices(framing.n_fft)).T.ravel()
        # Integers are read at the top of a word.
        scale = {0: 1.0, 1: 2.0**-16, 2: 2.0**-24}[n_fields]
        offset = window * _TOO_LOW.get(sample_format, 0.0)
        factors = passes.twiddles(framing.n_fft).view(np.float32)
        self._tables = np.concatenate([window * scale, offset, factors]).astype(np.float32)
        self._starts = np.zeros(LANES, np.uint64)
        n_grid, n_block, n_tile = _work_items(framing.n_fft, n_fields)
        self._work = aligned_floats(4 * n_grid + n_block + n_tile)

    def compute(
        self,
        samples: NDArray[Any],
        n_frames: int,
        power_dbfs: FloatArray,
        flags: NDArray[np.uint8],
    ) -> None:
        """Fill the first ``n_frames`` rows."""
        self._kernel(
            samples.ravel().view(np.int32),
            self._settings,
            self._widths,
            self._ends,
            self._tables,
            self._starts,
            self._work,
            n_frames,
            power_dbfs,
            flags,
        )


def _fft_words(n_fft: int, n_fields: int) -> int:
    return n_fft // n_fields if n_fields else 2 * n_fft


def _work_items(n_fft: int, n_fields: int) -> tuple[int, int, int]:
    """Return the sizes of one of the four grids of bins, the block and the tile."""
    a, b = passes.radices(n_fft)
    column = passes.apart_by(_fft_words(n_fft, n_fields) // a)
    return b * (a + 1) * LANES, passes.BLOCK * LANES, a * column * LANES


@functools.cache
def _kernel(n_fft: int, n_fields: int) -> Callable[..., None]:
    """Return the compiled loop over batches of frames for one size and width of samples."""
    bits = default_bits()
    step = tuple(
        part if isinstance(part, int) else at_width(part, bits) for part in passes.steps(n_fft)
    )
    add_power, gather = at_width(passes.add_power, bits), at_width(lanes.gather, bits)
    move_sums, store_dbfs = at_width(lanes.move_sums, bits), at_width(lanes.store_dbfs, bits)
    n_row = passes.radices(n_fft)[0]
    n_grid, n_block, _ = _work_items(n_fft, n_fields)
    fft_words = _fft_words(n_fft, n_fields)
    column = passes.apart_by(fft_words // n_row)
    words_in = types.Array(types.int32, 1, "C", readonly=True, aligned=False)

    @ahead(
        types.void(
            words_in,
            types.int64[::1],
            types.int64[::1],
            types.float64[::1],
            types.float32[::1],
            types.uint64[::1],
            types.float32[::1],
            types.int64,
            types.float32[:, ::1],
            types.uint8[::1],
        ),
        bits,
    )
    def frames(  # type: ignore[no-untyped-def]
        words, settings, widths, ends, tables, starts, work, n_frames, power_dbfs, flags
    ):
        flip, n_averages, max_clipped = np.int32(settings[0]), settings[1], settings[2]
        frame_words = fft_words * n_averages
        window, offset = tables[:n_fft], tables[n_fft : 2 * n_fft]
        factors = tables[2 * n_fft :].view(np.complex64)
        real, imag = work[:n_grid], work[n_grid : 2 * n_grid]
        parts, sums = work[2 * n_grid : 3 * n_grid], work[3 * n_grid : 4 * n_grid]
        block = work[4 * n_grid : 4 * n_grid + n_block].view(np.int32)
        floats = work[4 * n_grid + n_block :]
        tile = floats.view(np.int32)
        of_floats, of_words = words.view(np.float32), words.view(np.int16)
        of_bytes, of_signed = words.view(np.uint8), words.view(np.int8)
        for first in range(0, n_frames, LANES):
            stop = min(first + LANES, n_frames)
            start = first * frame_words
            if n_fields == 0:
                flag_floats(of_floats, start, frame_words, ends, max_clipped, flags, first, stop)
            elif n_fields == 1:
                flag_integers(
                    of_words, 2 * start, 2 * frame_words, ends, max_clipped, flags, first, stop
                )
            elif flip:
                flag_integers(
                    of_bytes, 4 * start, 4 * frame_words, ends, max_clipped, flags, first, stop
                )
            else:
                flag_integers(
                    of_signed, 4 * start, 4 * frame_words, ends, max_clipped, flags, first, stop
                )
            for k in range(len(sums)):
                sums[k] = _ZERO
            frame = first
            while frame < stop:
                width = widths[stop - frame]
                n_sides = LANES // width
                for average in range(0, n_averages, n_sides):
                    # Lanes that nobody needs compute the last frame or average once more.
                    for side in range(n_sides):
                        at = min(average + side, n_averages - 1) * fft_words
                        for f in range(width):
                            starts[side * width + f] = min(frame + f, stop - 1) * frame_words + at
                    gather(words, starts, fft_words, column, block, tile)
                    add_power(
                        step, tile, floats, column,
                        n_fields, window, offset, flip, factors, real, imag, parts,
                    )  # fmt: skip
                    if n_sides > 1:
                        n_new = min(n_sides, n_averages - average)
                        move_sums(parts, n_new, width, frame - first, sums)
                if n_sides == 1:
                    move_sums(parts, 1, LANES, 0, sums)
                frame += width
            store_dbfs(sums, n_row, power_dbfs, flags, first, stop)

    return frames
