"""A tone added to samples, in whatever format they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.records import SampleFormat

__all__ = ["Tone", "with_tone"]


@dataclass(frozen=True, slots=True)
class Tone:
    """A complex exponential at an offset from the centre, in dBFS, from a sample on."""

    offset_hz: float
    level_dbfs: float
    begin: int


def with_tone(
    samples: NDArray[Any], sample_format: SampleFormat, rate_hz: float, tone: Tone
) -> NDArray[Any]:
    """Return a copy of samples with a tone: what it would have been like to receive it.

    ``x[k] + a exp(2j pi f k / rate)``, rounded and clipped as a converter does.

    Args:
        samples: complex64 ``(n,)`` or integers ``(n, 2)``.
        sample_format: of them.
        rate_hz: their rate.
        tone: what is added.
    """
    out = samples.copy()
    n = len(samples) - tone.begin
    phase = 2j * np.pi * tone.offset_hz / rate_hz * np.arange(n)
    wave = 10.0 ** (tone.level_dbfs / 20.0) * np.exp(phase)
    if out.ndim == 1:
        out[tone.begin :] += wave.astype(out.dtype)
        return out
    pairs = np.stack([wave.real, wave.imag], axis=1) * sample_format.full_scale
    limits = np.iinfo(out.dtype)
    mixed = np.rint(out[tone.begin :] + pairs)
    out[tone.begin :] = np.clip(mixed, limits.min, limits.max).astype(out.dtype)
    return out
