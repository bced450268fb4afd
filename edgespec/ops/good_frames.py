"""Frames of samples that a command collected, and which of them say anything."""

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import SourceError
from edgespec.framing import Recipe
from edgespec.ops.collect import Collected
from edgespec.records import FloatArray, FrameFlag

__all__ = ["check_good", "frames_of"]

_BAD = np.uint8(FrameFlag.DROPPED | FrameFlag.NONFINITE | FrameFlag.CONSTANT)


def frames_of(
    heard: Collected, recipe: Recipe
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.float64]]:
    """Return the frames that samples make, as far as they go.

    Returns:
        Levels in dBFS float32 ``(n_frames, n_bins)``, whether each frame is good bool
        ``(n_frames,)``, and the centres of the bins in Hz float64 ``(n_bins,)``.

    Raises:
        SourceError: there are frames, and none is good.
    """
    front_end, rows, flags = _front_end(heard, recipe), [], []
    for block in heard.blocks(recipe.hop_samples):
        made = front_end.process(block)
        rows.append(made.power_dbfs.copy())
        flags.append(made.flags & _BAD == 0)
    level_db = np.concatenate(rows) if rows else np.empty((0, recipe.framing.n_bins), np.float32)
    is_good = np.concatenate(flags) if flags else np.empty(0, bool)
    if len(is_good) and not is_good.any():
        raise _none_is_good(heard)
    return level_db, is_good, front_end.grid.freqs_hz


def check_good(heard: Collected, recipe: Recipe) -> None:
    """Look for the first good frame.

    Raises:
        SourceError: there are frames, and none is good.
    """
    front_end, n_frames = _front_end(heard, recipe), 0
    for block in heard.blocks(recipe.hop_samples):
        flags = front_end.process(block).flags
        if (flags & _BAD == 0).any():
            return
        n_frames += len(flags)
    if n_frames:
        raise _none_is_good(heard)


def _front_end(heard: Collected, recipe: Recipe) -> FrontEnd:
    return FrontEnd(
        recipe.framing,
        heard.info.sample_format,
        max_block_samples=recipe.hop_samples,
        # For a second or two, loading Numba takes longer than computing without it.
        computing=Computing.PLAIN,
        center_freq_hz=heard.center_freq_hz,
    )


def _none_is_good(heard: Collected) -> SourceError:
    return SourceError(
        f"the source {heard.info.uri!r:.160} gave no good frame: its samples are no numbers, "
        "all the same or next to nothing: see whether the radio delivers, or get the recording "
        "again"
    )
