"""How far peaks and floors of a spectrogram lie above the highest of the warm-up, run by run."""

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.any_band.scenes import WIDTHS, run_means

__all__ = ["Peaks"]

Float = NDArray[np.float32]

#: Frames that are looked at together.
_LENGTHS = (1, 8)
#: Where nothing sends, the floor is what is left when something does all the time.
_FLOOR = 0.05


class Peaks:
    """Of every run of bins the highest peak and the highest floor of a hop in the warm-up.

    Args:
        hops_db: frames of each hop of the warm-up.
    """

    def __init__(self, hops_db: list[Float]) -> None:
        self._highest = [
            np.max(levels, axis=0) for levels in zip(*map(_levels, hops_db), strict=True)
        ]

    def above_db(self, frames_db: Float) -> tuple[float, float]:
        """Return how far the highest peak and the highest floor lie above those of the warm-up."""
        above = [
            float((found - highest).max())
            for found, highest in zip(_levels(frames_db), self._highest, strict=True)
        ]
        return max(above[0::2]), max(above[1::2])


def _levels(frames_db: Float) -> list[Float]:
    """Return peaks and floors in turn, ``(n_runs,)``, of every length and width."""
    out: list[Float] = []
    for length in _LENGTHS:
        n = len(frames_db) // length
        means = frames_db[: n * length].reshape(n, length, -1).mean(axis=1)
        for width in WIDTHS:
            runs = run_means(means, width)
            out += [runs.max(axis=0), np.quantile(runs, _FLOOR, axis=0).astype(np.float32)]
    return out
