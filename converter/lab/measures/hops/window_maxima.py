"""The largest and the middle deviation of a map over windows of time and frequency."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["WindowMaxima"]

Float = NDArray[np.float64]


class WindowMaxima:
    """For each length and width: ``mean * sqrt(length * width)`` of the windows that end anew.

    Args:
        lengths: of windows, in rows of the map, rising.
        widths: in neighbouring columns; wider than the map is all of it.
    """

    def __init__(self, lengths: Sequence[int], widths: Sequence[int]) -> None:
        self._lengths = tuple(lengths)
        self._widths = tuple(widths)

    @property
    def names(self) -> tuple[str, ...]:
        """What :meth:`of` returns, in order."""
        return tuple(
            f"{what}-{length}x{width}"
            for length in self._lengths
            for width in self._widths
            for what in ("max", "min", "median")
        )

    @property
    def n_before(self) -> int:
        """Rows before the new ones that the longest windows reach back to."""
        return self._lengths[-1] - 1

    def of(self, deviation: Float, n_new: int) -> list[float]:
        """Return largest, smallest and median of every length and width.

        Args:
            deviation: ``(n_rows, n_columns)``, the newest row last; rows that are not there count
                as missing windows.
            n_new: the newest rows; only windows that end in one of them count.
        """
        n_rows, n_columns = deviation.shape
        sums = np.zeros((n_rows + 1, n_columns + 1))
        np.cumsum(np.cumsum(deviation, axis=0), axis=1, out=sums[1:, 1:])
        out: list[float] = []
        for length in self._lengths:
            stop = np.arange(max(n_rows - n_new + 1, length), n_rows + 1)
            over_time = sums[stop] - sums[stop - length] if len(stop) else sums[:0]
            for width in self._widths:
                wide = min(width, n_columns)
                z = (over_time[:, wide:] - over_time[:, :-wide]) / np.sqrt(length * wide)
                out += (
                    [float(z.max()), float(z.min()), float(np.median(z))] if z.size else [0.0] * 3
                )
        return out
