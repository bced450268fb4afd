"""What a run of frames is like within a region: numbers without a unit of level, all bounded."""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray

__all__ = ["SHAPE", "bounded_power", "shape_of"]

#: Names of what :func:`shape_of` returns.
SHAPE = (
    "steadiness",
    "silence",
    "kurtosis",
    "flips",
    "burst",
    "concentration",
    "bin-kurtosis",
    "still",
    "one-way",
    "moving",
    "even",
    "slope",
    "span",
    "places",
    "dwell",
    "width",
    "fill",
)
#: Power is counted between these, linear: beyond them lies nothing that a receiver hands out.
_LEAST, _MOST = 1e-20, 1e20
#: A row is active from this part of what the upper tenth of the rows has on.
_ACTIVE = 0.3
#: ... and silent below this part.
_SILENT = 0.1
#: Largest logarithm (base 2) that is told.
_MOST_LOG = 10.0


def shape_of(power: FloatArray, normal: FloatArray, lower: int, upper: int) -> FloatArray:
    """Return what was added to normal power between two bins, as a shape, float32 ``(17,)``.

    Every number lies within 0 and 1, or 0 and 1 again after division by the largest logarithm:
    neither a gain common to ``power`` and ``normal``, nor a shift of both by some bins changes any.

    ====================  =======================================================================
    steadiness            mean power of the rows over that of the upper tenth
    silence               share of rows with next to nothing
    kurtosis              ``log2(mean(s^2) / mean(s)^2)`` of the rows' power ``s``
    flips                 how often it comes or goes, per row
    burst                 log2 of the mean length of a run of active rows
    concentration         share of a row's power in its peak and the bins beside it
    bin-kurtosis          ``log2(mean(P^2) / mean(P)^2)`` of single bins: tone 0, noise 1
    still, moving         share of pairs of active rows whose peaks are neighbours; that are apart,
                          by less than half of the region
    one-way               how far the moves agree in their direction
    even                  how alike the moves are
    slope                 log2 of the median move, in bins per row
    span                  range of the peaks, as a share of the region
    places                share of the region's bins that ever were the peak
    dwell                 log2 of how many rows a peak stays
    width                 log2 of how many bins one row fills
    fill                  ... as a share of what all rows together fill
    ====================  =======================================================================

    Args:
        power: linear, ``(n_rows, n_bins)``; what is not finite counts as nothing, or as very much.
        normal: linear, ``(n_bins,)``.
        lower: first bin.
        upper: last bin.
    """
    out = np.zeros(len(SHAPE), np.float32)
    rows, usual = bounded_power(power[:, lower : upper + 1]), bounded_power(normal)
    added = np.maximum(rows - usual[lower : upper + 1], 0.0)
    if added.size == 0 or added.max() <= _LEAST:
        return out
    added /= added.max()
    sums = added.sum(axis=1)
    high = max(float(np.quantile(sums, 0.95)), 1e-12)
    mean = float(sums.mean())
    active = sums >= _ACTIVE * high
    n_runs = int(np.count_nonzero(active[1:] & ~active[:-1])) + int(active[0])
    n_rows = len(added)
    out[0] = min(mean / high, 1.0)
    out[1] = np.mean(sums < _SILENT * high)
    out[2] = _log(float(np.mean(sums**2)) / mean**2)
    out[3] = np.count_nonzero(active[1:] != active[:-1]) / max(n_rows - 1, 1)
    out[4] = _log(float(np.count_nonzero(active)) / max(n_runs, 1))
    of_bins = added.mean(axis=0)
    kurtoses = np.mean(added**2, axis=0) / np.maximum(of_bins, 1e-12) ** 2
    out[6] = _log(float(np.dot(of_bins, kurtoses) / of_bins.sum()))
    if active.any():
        _follow(out, added, sums, active, of_bins)
    return out


def bounded_power(power: FloatArray) -> NDArray[np.float64]:
    """Return linear power as float64 that is finite and not negative."""
    return np.clip(np.nan_to_num(power.astype(np.float64), posinf=_MOST), 0.0, _MOST)


def _follow(
    out: FloatArray,
    added: NDArray[np.float64],
    sums: NDArray[np.float64],
    active: NDArray[np.bool_],
    of_bins: NDArray[np.float64],
) -> None:
    """Write what the peaks of the active rows do."""
    n_bins = added.shape[1]
    peaks = added.argmax(axis=1)
    wide = np.pad(added, ((0, 0), (1, 1)))
    number = np.arange(len(added))
    near = wide[number, peaks] + wide[number, peaks + 1] + wide[number, peaks + 2]
    out[5] = float(np.median(near[active] / sums[active]))
    filled = sums[active] ** 2 / np.sum(added[active] ** 2, axis=1)
    width = float(np.median(filled))
    out[15] = _log(width)
    out[16] = min(width * float(np.sum(of_bins**2)) / float(of_bins.sum()) ** 2, 1.0)
    here = peaks[active]
    lowest, highest = np.quantile(here, (0.05, 0.95))
    out[12] = (highest - lowest) / n_bins
    out[13] = len(np.unique(here)) / n_bins
    both = active[1:] & active[:-1]
    steps = np.diff(peaks)[both]
    if not len(steps):
        return
    is_still = np.abs(steps) <= 1
    moves = steps[(steps != 0) & (np.abs(steps) <= n_bins / 2)]
    out[7] = is_still.mean()
    out[9] = np.count_nonzero(np.abs(moves) > 1) / len(steps)
    out[14] = _log(len(steps) / (1 + np.count_nonzero(~is_still)))
    if len(moves):
        out[8] = abs(float(np.sign(moves).mean())) * len(moves) / (len(moves) + 4.0)
        middle = float(np.median(moves))
        out[10] = 1.0 / (1.0 + float(np.median(np.abs(moves - middle))))
        out[11] = _log(1.0 + abs(middle))


def _log(ratio: float) -> float:
    return min(max(float(np.log2(max(ratio, 1.0))), 0.0), _MOST_LOG) / _MOST_LOG
