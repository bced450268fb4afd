"""The observer's own electronics: gain, DC, IQ imbalance, and the converter with its clipping."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.records import SampleFormat
from edgespec.simulate.config import ReceiverConfig

__all__ = ["distort", "quantise"]

ComplexArray = NDArray[np.complex64]


def distort(samples: ComplexArray, config: ReceiverConfig) -> ComplexArray:
    """Apply gain, IQ imbalance and DC in place and return ``samples``; 1.0 is full scale after."""
    samples *= np.float32(10.0 ** (config.level_dbfs / 20.0))
    if config.gain_imbalance_db or config.phase_imbalance_deg:
        ratio = 10.0 ** (config.gain_imbalance_db / 20.0)
        phase = np.deg2rad(config.phase_imbalance_deg)
        samples.imag *= np.float32(ratio * np.cos(phase))
        samples.imag += np.float32(ratio * np.sin(phase)) * samples.real
    if config.dc:
        samples += np.complex64(config.dc)
    return samples


def quantise(
    samples: ComplexArray, sample_format: SampleFormat, adc_bits: int, out: NDArray[Any]
) -> NDArray[Any]:
    """Convert complex samples to ``sample_format`` as a converter of ``adc_bits`` would.

    Args:
        samples: complex64 ``(n,)``, 1.0 is full scale; what is above it clips.
        sample_format: format of ``out``.
        adc_bits: steps of the converter, left-aligned in wider formats; 8 for cu8; 0 copies (cf32
            only).
        out: ``(n,)`` or ``(n, 2)``, filled and returned.
    """
    if adc_bits == 0:
        out[:] = samples
        return out
    half = float(2 ** (adc_bits - 1))
    parts = samples.view(np.float32).reshape(-1, 2)
    if sample_format is SampleFormat.CU8:
        # Offset binary has no code for zero, and its 256 codes reach from -1 to 1.
        parts = parts * np.float32(127.5) + np.float32(127.5)
        out[:] = np.clip(np.rint(parts, out=parts), 0, 255, out=parts)
        return out
    parts = parts * np.float32(half)
    np.clip(np.rint(parts, out=parts), -half, half - 1, out=parts)
    if sample_format is SampleFormat.CF32:
        out.view(np.float32).reshape(-1, 2)[:] = parts / np.float32(half)
    else:
        parts *= np.float32(sample_format.full_scale / half)
        out[:] = parts
    return out
