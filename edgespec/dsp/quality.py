"""When a frame must not be scored, whatever computes it: the limits, and the plain NumPy rule.

A frame is NONFINITE when its power is not finite in float32 (a NaN or infinity in the samples
always leads there), CLIPPED when more than a given share of its I and Q components lie at the end
of their range, CONSTANT when all its samples are equal: a receiver that does not deliver; HALF
when only I, or only Q, never changes: one of its two channels is dead, or the signal is real.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.records import FrameFlag, SampleFormat

__all__ = ["ClipLimits", "RealSignal", "flag_frames"]

_HALF, _STILL = np.uint8(FrameFlag.HALF), np.uint8(FrameFlag.HALF | FrameFlag.CONSTANT)
#: Samples that tell nearly every frame from one whose I or Q holds one value.
_FIRST = 16


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """A component at or below ``low``, or at or above ``high``, counts as clipped.

    ``max_fraction`` is the share of clipped components that a valid frame may have.
    """

    low: float
    high: float
    max_fraction: float

    @classmethod
    def of(
        cls, sample_format: SampleFormat, max_fraction: float, clip_level: float | None = None
    ) -> "ClipLimits":
        """Return the ends of the integer range; for complex64 ``clip_level``, or no limit.

        Raises:
            ConfigError: the share is not within 0 to 1, or the level is not for this format.
        """
        if not 0.0 <= max_fraction <= 1.0:
            raise ConfigError(f"max_clipped_fraction is {max_fraction}; it is a share from 0 to 1")
        if sample_format is SampleFormat.CF32:
            if clip_level is None:
                return cls(-math.inf, math.inf, 1.0)
            if not clip_level > 0:
                raise ConfigError(
                    f"clip_level is {clip_level}; it must be positive, or be left out"
                )
            return cls(-clip_level, clip_level, max_fraction)
        if clip_level is not None:
            raise ConfigError(
                f"clip_level is {clip_level}, but {sample_format} samples clip at the ends of their"
                " range: leave it out"
            )
        ends = np.iinfo(sample_format.dtype)
        return cls(ends.min, ends.max, max_fraction)

    def clipped_share(self, samples: NDArray[Any]) -> float:
        """Return the share of the components of some samples that are clipped."""
        items = samples.view(np.float32) if samples.dtype == np.complex64 else samples
        with np.errstate(invalid="ignore"):
            clipped = (items <= self.low) | (items >= self.high)
        return np.count_nonzero(clipped) / clipped.size if clipped.size else 0.0

    def max_clipped(self, n_components: int) -> int:
        """Return how many of ``n_components`` may be clipped in a valid frame."""
        return math.floor(self.max_fraction * n_components)


def flag_frames(
    components: NDArray[Any], finite: NDArray[np.bool_], limits: ClipLimits, out: NDArray[np.uint8]
) -> None:
    """Write the flags of every frame.

    Args:
        components: ``(n_frames, n_samples, 2)``, I and Q as the source delivers them.
        finite: bool ``(n_frames,)``: the power of the frame is finite.
        limits: what counts as clipped.
        out: uint8 ``(n_frames,)`` of :class:`~edgespec.records.FrameFlag`.
    """
    with np.errstate(invalid="ignore"):
        clipped = (components <= limits.low) | (components >= limits.high)
        held = (components[:, :_FIRST] == components[:, :1]).all(axis=1)
        for frame in np.flatnonzero(held.any(axis=1)):
            held[frame] = (components[frame] == components[frame, 0]).all(axis=0)
    n_clipped = np.count_nonzero(clipped, axis=(1, 2))
    out[:] = np.where(finite, 0, FrameFlag.NONFINITE)
    out[n_clipped > limits.max_clipped(components[0].size)] |= np.uint8(FrameFlag.CLIPPED)
    out[held.all(axis=1)] |= np.uint8(FrameFlag.CONSTANT)
    out[held[:, 0] != held[:, 1]] |= _HALF


class RealSignal:
    """Takes HALF from the frames of a signal that is real: of one whose I or Q has never moved."""

    def __init__(self) -> None:
        self._may_be_real = True

    def spare(self, flags: NDArray[np.uint8]) -> None:
        """Take the flag from the frames before the first in which both I and Q move."""
        if not self._may_be_real:
            return
        moving = np.flatnonzero((flags & _STILL) == 0)
        first = int(moving[0]) if len(moving) else len(flags)
        flags[:first] &= ~_HALF
        self._may_be_real = first == len(flags)
