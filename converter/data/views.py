"""Segments of a data set: views into the recordings, standardised when they are gathered."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from converter.data.dataset import Dataset, load_part
from edgespec.dsp.transform import SCALE_FLOOR_DB, apply, noise_only, standardise
from edgespec.errors import SourceError
from edgespec.records import FloatArray, FrameFlag, Geometry, Scaling, Spectrogram

__all__ = ["WindowSet", "global_scaling", "segment_starts"]

#: Frames that are summed at once.
_CHUNK_FRAMES = 8192


def segment_starts(frames: Spectrogram, geometry: Geometry) -> NDArray[np.int64]:
    """Return the first frame of every segment that the device's ``Segmenter`` would make.

    Starts are ``hop_frames`` apart and begin anew at every gap; a segment with a flagged frame is
    left out.
    """
    n_frames = frames.n_frames
    is_gap = np.ones(n_frames + 1, np.bool_)
    is_gap[1:-1] = np.diff(frames.tick_start) != frames.grid.frame_ticks
    dropped = np.flatnonzero(frames.flags & FrameFlag.DROPPED)
    # Such a frame stands for lost samples: what is before ends at it, what follows begins behind.
    is_gap[dropped] = is_gap[dropped + 1] = True
    starts = [
        np.arange(begin, end - geometry.n_segment + 1, geometry.hop_frames, dtype=np.int64)
        for begin, end in pairwise(np.flatnonzero(is_gap))
        if end - begin >= geometry.n_segment
    ]
    if not starts:
        return np.empty(0, np.int64)
    candidates = np.concatenate(starts)
    n_flagged = np.concatenate([[0], np.cumsum(frames.flags != 0)])
    is_clean = n_flagged[candidates + geometry.n_segment] == n_flagged[candidates]
    return np.asarray(candidates[is_clean], np.int64)


def global_scaling(dataset: Dataset, split: str = "train") -> Scaling:
    """Return mean and standard deviation in dB over all valid frames and bins of a split.

    For the ablation that leaves out the context-agnostic transform of Li et al. 2019, sec. 4.2.

    Raises:
        SourceError: there is not one valid frame.
    """
    n, total, square = 0, 0.0, 0.0
    for part in dataset.split(split):
        frames = load_part(dataset, part)
        for first in range(0, frames.n_frames, _CHUNK_FRAMES):
            some = slice(first, first + _CHUNK_FRAMES)
            power = frames.power_dbfs[some][frames.flags[some] == 0].astype(np.float64)
            n += power.size
            total += float(power.sum())
            square += float(np.vdot(power, power))
    if not n:
        raise SourceError(
            f"data set {str(dataset.folder)!r} has no valid frame in {split}: add recordings to it"
        )
    mean_db = total / n
    return Scaling(mean_db, max(math.sqrt(max(square / n - mean_db**2, 0.0)), SCALE_FLOOR_DB))


class WindowSet:
    """Segments of some splits, in the order of the recordings.

    Args:
        dataset: the data set.
        splits: which of its splits.
        hop_frames: frames from one segment to the next; default: that of the data set.
        leave_noise_out: leave out segments whose context is nothing but noise (S1.2); for
            training. Detectors are calibrated and tested on everything.
        n_windows: take no more than so many, chosen at random; None takes all.
        seed: of that choice.
        scaling: standardise all of them so; None: each by its own context, as the device does.

    Attributes:
        n_noise_only: segments that were left out as noise, of those that were looked at.

    Raises:
        SourceError: there is not one segment.
    """

    def __init__(
        self,
        dataset: Dataset,
        splits: Sequence[str],
        *,
        hop_frames: int | None = None,
        leave_noise_out: bool = False,
        n_windows: int | None = None,
        seed: int = 0,
        scaling: Scaling | None = None,
    ) -> None:
        self.geometry = replace(
            dataset.geometry, hop_frames=hop_frames or dataset.geometry.hop_frames
        )
        self._n_averages = dataset.recipe.n_averages
        self.n_noise_only = 0
        self._power: list[FloatArray] = []
        index: list[NDArray[np.int64]] = [np.empty((0, 2), np.int64)]
        flags: list[NDArray[np.uint8]] = [np.empty(0, np.uint8)]
        for part in (part for name in splits for part in dataset.split(name)):
            frames = load_part(dataset, part)
            starts = segment_starts(frames, self.geometry)
            index.append(np.stack([np.full_like(starts, len(self._power)), starts], axis=1))
            self._power.append(frames.power_dbfs)
            flags.append(frames.flags)
        self._index = np.concatenate(index)
        self._index = self._index[self._chosen(leave_noise_out, n_windows, seed)]
        self._scalings = self._own_scalings() if scaling is None else [scaling] * len(self)
        if not len(self._index):
            least_s = self.geometry.n_segment * self.geometry.frame_s
            raise SourceError(
                f"data set {str(dataset.folder)!r} has no segment of {self.geometry.n_segment} "
                f"valid frames for {' or '.join(splits)} ({self.n_noise_only} were nothing but "
                f"noise{_invalid(np.concatenate(flags))}): add recordings of at least "
                f"{least_s:.3g} s without such frames to that split"
            )

    def __len__(self) -> int:
        return len(self._index)

    def _chosen(self, leave_noise_out: bool, n_windows: int | None, seed: int) -> NDArray[np.int64]:
        """Return the numbers of the segments to keep, in order."""
        n_all = len(self._index)
        is_cut = n_windows is not None and n_windows < n_all
        order = np.random.default_rng(seed).permutation(n_all) if is_cut else np.arange(n_all)
        if not leave_noise_out:
            return np.sort(order[:n_windows])
        kept: list[int] = []
        for number in order:
            if noise_only(self.segment(number)[0], self._n_averages):
                self.n_noise_only += 1
                continue
            kept.append(number)
            if len(kept) == n_windows:
                break
        return np.sort(np.asarray(kept, np.int64))

    def _own_scalings(self) -> list[Scaling]:
        """Return the scaling of every context: found once, it is used in every epoch."""
        scratch = np.empty((self.geometry.n_context, self.geometry.n_bins), np.float32)
        return [standardise(self.segment(number)[0], scratch) for number in range(len(self))]

    def segment(self, number: int) -> tuple[FloatArray, FloatArray]:
        """Return context and target of one segment in dBFS, as views."""
        recording, start = self._index[number]
        frames = self._power[recording][start : start + self.geometry.n_segment]
        return frames[: self.geometry.n_context], frames[self.geometry.n_context :]

    def gather(self, numbers: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Return contexts and targets of some segments, standardised.

        Both by mean and standard deviation of the context: the future is not known on the device.
        Or by the one scaling that was given.

        Returns:
            float32 ``(n, n_context, n_bins)`` and ``(n, n_horizon, n_bins)``.
        """
        geometry = self.geometry
        batch = np.empty((len(numbers), geometry.n_segment, geometry.n_bins), np.float32)
        for row, number in enumerate(numbers):
            recording, start = self._index[number]
            frames = self._power[recording][start : start + geometry.n_segment]
            apply(frames, self._scalings[number], batch[row])
        return batch[:, : geometry.n_context], batch[:, geometry.n_context :]

    def sides(self, numbers: NDArray[np.int64]) -> tuple[FloatArray, ...]:
        """Return no side inputs: a recording of seconds knows nothing of hours."""
        return ()

    def model_inputs(self, role: str, numbers: NDArray[np.int64]) -> FloatArray:
        """Return the windows that a model of this role is given for some segments."""
        contexts, targets = self.gather(numbers)
        return contexts if role == "forecast" else targets


def _invalid(flags: NDArray[np.uint8]) -> str:
    """Return how many frames are not valid, and why: one in each segment is enough."""
    counts = {
        flag.name.lower(): int(np.count_nonzero(flags & np.uint8(flag)))
        for flag in FrameFlag
        if flag.name
    }
    reasons = [f"{n} {name}" for name, n in counts.items() if n]
    return f"; of {len(flags)} frames {', '.join(reasons)}" if reasons else ""
