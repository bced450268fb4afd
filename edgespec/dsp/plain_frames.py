"""The readable path: scipy.fft, the reference of the fast path and its fallback."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.dsp.quality import ClipLimits, flag_frames
from edgespec.dsp.tapers import power_window
from edgespec.framing import Framing
from edgespec.records import FloatArray, SampleFormat
from edgespec.units import POWER_FLOOR_DBFS, ratio_from_db

__all__ = ["PlainFrames"]

_POWER_FLOOR = ratio_from_db(POWER_FLOOR_DBFS)


class PlainFrames:
    """Power and flags of whole frames; see :class:`edgespec.dsp.spectrogram.Frames`.

    Computes batch by batch in float32 and, unlike the fast path, allocates while it does so.
    """

    batch_frames = 16

    def __init__(self, framing: Framing, sample_format: SampleFormat, limits: ClipLimits) -> None:
        self._shape = (self.batch_frames, framing.n_averages, framing.n_fft)
        self._batch_samples = self.batch_frames * framing.frame_samples
        self._zero = np.float32(sample_format.zero)
        self._component = sample_format.dtype.type(0).real.dtype
        self._window = power_window(framing, sample_format).astype(np.float32)
        self._limits = limits

    def compute(
        self,
        samples: NDArray[Any],
        n_frames: int,
        power_dbfs: FloatArray,
        flags: NDArray[np.uint8],
    ) -> None:
        """Fill the first ``n_frames`` rows; ``samples`` holds at least a batch."""
        components = samples.reshape(-1).view(self._component).reshape(-1, 2)
        n_rows = min(self.batch_frames, n_frames)
        for batch_first in range(0, n_frames, self.batch_frames):
            first = min(batch_first, n_frames - n_rows)
            start = first * self._batch_samples // self.batch_frames
            batch = components[start : start + self._batch_samples]
            rows = slice(first, first + n_rows)
            self._batch(batch, power_dbfs[rows], flags[rows])

    def _batch(
        self, components: NDArray[Any], power_dbfs: FloatArray, flags: NDArray[np.uint8]
    ) -> None:
        n_frames = len(power_dbfs)
        with np.errstate(invalid="ignore", over="ignore"):
            pairs = np.subtract(components, self._zero, dtype=np.float32)
            tapered = pairs.view(np.complex64).reshape(self._shape) * self._window
            spectra = fft.fft(tapered, axis=-1, overwrite_x=True)
            power = np.sum(spectra.real**2 + spectra.imag**2, axis=1)[:n_frames]
        finite = np.isfinite(power).all(axis=1)
        power[~finite] = 0.0
        np.log10(np.maximum(fft.fftshift(power, axes=-1), _POWER_FLOOR), out=power_dbfs)
        power_dbfs *= 10.0
        frames = components.reshape(self._shape[0], -1, 2)[:n_frames]
        flag_frames(frames, finite, self._limits, flags)
