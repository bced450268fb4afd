"""The signal that every contestant is given."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.records import SampleFormat

__all__ = ["test_signal", "to_complex"]


def test_signal(sample_format: SampleFormat, n_samples: int) -> NDArray[Any]:
    """Return noise at -14 dBFS with a tone at -6 dBFS, as a source delivers it."""
    rng = np.random.default_rng(1)
    pairs = rng.normal(scale=0.14, size=(n_samples, 2))
    phase = 2.0 * np.pi * 0.13 * np.arange(n_samples)
    pairs += 0.5 * np.stack([np.cos(phase), np.sin(phase)], axis=1)
    if sample_format is SampleFormat.CF32:
        return pairs.astype(np.float32).view(np.complex64).reshape(-1)
    ends = np.iinfo(sample_format.dtype)
    scaled = pairs * sample_format.full_scale + sample_format.zero
    return np.clip(np.round(scaled), ends.min, ends.max).astype(sample_format.dtype)


def to_complex(samples: NDArray[Any], sample_format: SampleFormat) -> NDArray[np.complex64]:
    """Return complex64 without scale: what a NumPy user does first with integers."""
    if sample_format is SampleFormat.CF32:
        return samples
    pairs = np.subtract(samples, np.float32(sample_format.zero), dtype=np.float32)
    return pairs.view(np.complex64).reshape(-1)
