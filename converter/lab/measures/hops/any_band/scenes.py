"""How far a spectrogram lies above every scene that was heard in the warm-up."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["N_SCENES", "WIDTHS", "Scenes", "run_means"]

Float = NDArray[np.float32]

#: Neighbouring bins that are looked at together; more than there are is all of them.
WIDTHS = (1, 3, 8, 24, 128)
#: Scenes that are kept of each length.
N_SCENES = 96


def run_means(levels: Float, width: int) -> Float:
    """Return the means of all runs of neighbouring bins, ``(..., n_bins - width + 1)``."""
    wide = min(width, levels.shape[-1])
    sums = np.cumsum(levels, axis=-1, dtype=np.float64)
    sums = np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums], axis=-1)
    means: Float = ((sums[..., wide:] - sums[..., :-wide]) / wide).astype(np.float32)
    return means


class Scenes:
    """The frames of a warm-up that lie farthest from each other, as means of 1, 4, 16 and more.

    Args:
        frames_db: ``(n_frames, n_bins)`` of the warm-up.
        lengths: frames of a mean.
    """

    def __init__(self, frames_db: Float, lengths: tuple[int, ...]) -> None:
        self._lengths = lengths
        self._scenes = [_farthest(_means(frames_db, n), N_SCENES) for n in lengths]

    def distances_db(self, frames_db: Float) -> list[float]:
        """Return, for each length, the largest distance of a mean of frames to its nearest scene.

        A distance is the largest, over runs of bins, of ``mean(frame - scene) * sqrt(width)``:
        only what is louder than a scene is far from it.
        """
        out = []
        for length, scenes in zip(self._lengths, self._scenes, strict=True):
            above = _means(frames_db, length)[:, None] - scenes
            far = np.full(above.shape[:2], -np.inf, np.float32)
            for width in WIDTHS:
                wide = min(width, above.shape[-1])
                far = np.maximum(far, run_means(above, wide).max(axis=-1) * np.sqrt(wide))
            out.append(float(far.min(axis=1).max()))
        return out


def _means(frames_db: Float, length: int) -> Float:
    n = len(frames_db) // length
    means: Float = frames_db[: n * length].reshape(n, length, -1).mean(axis=1)
    return means


def _farthest(frames: Float, n: int) -> Float:
    """Return frames, each the one that is farthest from those before it (Gonzalez 1985)."""
    chosen = [0]
    apart = np.linalg.norm(frames - frames[0], axis=1)
    while len(chosen) < min(n, len(frames)):
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, np.linalg.norm(frames - frames[chosen[-1]], axis=1))
    return frames[chosen]
