"""What the detector for any band computes on every hop, and the two ways to do it."""

from typing import Any, Protocol

from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.any_band import plain
from edgespec.records import FloatArray

__all__ = ["Arithmetic", "open_arithmetic"]

_Doubles = NDArray[Any]
_Integers = NDArray[Any]


class Arithmetic(Protocol):
    """Steps over buffers of the caller; runs are those of :mod:`edgespec.detect.any_band.runs`."""

    def levels(
        self,
        power_db: FloatArray,
        widths: _Integers,
        sums: _Doubles,
        lowest_db: FloatArray,
        levels_db: FloatArray,
        /,
    ) -> None:
        """Write the peak and the floor of every run of bins, in single frames and in longer ones.

        Of ``power_db`` ``(n_frames, n_bins)`` each run's mean in dB is taken in every frame, and in
        every mean over :data:`~edgespec.detect.any_band.runs.LONG_FRAMES` frames. The peak is the
        largest of these, the floor the smallest; of ten frames and more the smallest but one.

        Args:
            power_db: float32, contiguous.
            widths: int64 ``(n_widths,)``, rising.
            sums: float64 ``(n_frames + 1, n_bins + 1)``, scratch.
            lowest_db: float32 ``(n_runs,)``, scratch.
            levels_db: float32 ``(4, n_runs)``, written: peaks and floors of frames, then of means.
        """
        ...

    def farthest(
        self, levels_db: FloatArray, highest_db: FloatArray, above_db: _Doubles, /
    ) -> None:
        """Write how far the farthest peak, and the farthest floor, lies above the highest so far.

        Args:
            levels_db: float32 ``(4, n_runs)``.
            highest_db: of the same shape.
            above_db: float64 ``(2,)``, written: of peaks and of floors.
        """
        ...

    def blocks(self, wave: NDArray[Any], power: FloatArray, left: FloatArray, /) -> None:
        """Write, of each block, its power and what is not constant in it, linear.

        ``P = mean |y|^2`` and ``R = 2 var |y|``, which is nearly P of white noise; both are
        1e-15 at least.

        Args:
            wave: complex64, blocks of :data:`~edgespec.detect.any_band.channels.BLOCK_SAMPLES`.
            power: float32 ``(n_blocks,)``, written.
            left: of the same shape, written.
        """
        ...

    def ranks(
        self, ring: FloatArray, at: int, n_rows: int, scratch: FloatArray, levels_db: FloatArray, /
    ) -> None:
        """Write some quantiles of the last row of a ring, and of its last rows together, in dB.

        The quantile ``q`` of n values is the one of rank ``floor(q (n - 1) + .5)`` from below.

        Args:
            ring: float32 ``(n, n_blocks)``, linear.
            at: number of the last row; those before it come before it.
            n_rows: that hold something, the last one included.
            scratch: float32 ``(n * n_blocks,)``.
            levels_db: float32 ``(2, 4)``, written: of the last row, and of all.
        """
        ...


def open_arithmetic(computing: Computing = Computing.PLAIN) -> Arithmetic:
    """Return the arithmetic, ready to run."""
    if computing is Computing.COMPILED:
        from edgespec.detect.any_band import loops

        loops.load()
        return loops
    return plain
