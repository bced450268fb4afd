"""The steps of the detector for any band in NumPy: readable, and without a compiler.

What each does is said in :class:`edgespec.detect.any_band.arithmetic.Arithmetic`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band.channels import BLOCK_SAMPLES, LEAST_POWER, RANKS
from edgespec.detect.any_band.runs import LONG_FRAMES, MOST_EXACT
from edgespec.records import FloatArray

__all__ = ["blocks", "farthest", "levels", "ranks"]

_Doubles = NDArray[Any]
_Integers = NDArray[Any]


def levels(
    power_db: FloatArray,
    widths: _Integers,
    sums: _Doubles,
    lowest_db: FloatArray,
    levels_db: FloatArray,
) -> None:
    """Write the peak and the floor of every run of bins."""
    n_frames = len(power_db)
    length = min(LONG_FRAMES, n_frames)
    means_db = power_db[: n_frames // length * length].reshape(-1, length, power_db.shape[1])
    _extremes(power_db, widths, levels_db[:2])
    _extremes(means_db.mean(axis=1, dtype=np.float64), widths, levels_db[2:])


def _extremes(rows_db: _Doubles, widths: _Integers, out: FloatArray) -> None:
    floor = int(len(rows_db) > MOST_EXACT)
    at = 0
    for width in widths.tolist():
        means_db = _run_means(rows_db, width)
        here = slice(at, at + means_db.shape[1])
        out[0, here] = means_db.max(axis=0)
        out[1, here] = np.partition(means_db, floor, axis=0)[floor]
        at = here.stop


def _run_means(rows_db: _Doubles, width: int) -> _Doubles:
    """Return the means of all runs of one width, ``(n_rows, n_bins + 1 - width)``."""
    sums = np.zeros((len(rows_db), rows_db.shape[1] + 1))
    np.cumsum(rows_db, axis=1, dtype=np.float64, out=sums[:, 1:])
    means_db: _Doubles = (sums[:, width:] - sums[:, :-width]) / width
    return means_db


def farthest(levels_db: FloatArray, highest_db: FloatArray, above_db: _Doubles) -> None:
    """Write how far the farthest peak and floor lie above the highest so far."""
    above = levels_db - highest_db
    above_db[:] = above[0::2].max(), above[1::2].max()


def blocks(wave: NDArray[Any], power: FloatArray, left: FloatArray) -> None:
    """Write power and what is not constant of each block."""
    n_blocks = len(power)
    whole = wave[: n_blocks * BLOCK_SAMPLES].reshape(n_blocks, BLOCK_SAMPLES)
    size = np.abs(whole.astype(np.complex128))
    power[:] = np.maximum((size**2).mean(axis=1), LEAST_POWER)
    left[:] = np.maximum(2.0 * size.var(axis=1), LEAST_POWER)


def ranks(
    ring: FloatArray, at: int, n_rows: int, scratch: FloatArray, levels_db: FloatArray
) -> None:
    """Write some quantiles of the last row, and of the last rows together."""
    rows = [(at - back) % len(ring) for back in range(n_rows)]
    for row, own in enumerate((ring[at], ring[rows].ravel())):
        places = [int(rank * (len(own) - 1) + 0.5) for rank in RANKS]
        levels_db[row] = 10.0 * np.log10(np.sort(own)[places].astype(np.float64))
