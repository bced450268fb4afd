"""The observer's own electronics: gain, DC, IQ imbalance, and the converter with its clipping."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import loops_are_quick
from edgespec.records import SampleFormat
from edgespec.simulate.config import ReceiverConfig

__all__ = ["distort", "quantise"]

ComplexArray = NDArray[np.complex64]


def distort(samples: ComplexArray, config: ReceiverConfig) -> ComplexArray:
    """Apply gain, IQ imbalance and DC in place and return ``samples``; 1.0 is full scale after."""
    level = np.float32(10.0 ** (config.level_dbfs / 20.0))
    gain = 10.0 ** (config.gain_imbalance_db / 20.0)
    phase = np.deg2rad(config.phase_imbalance_deg)
    ratio, leak = np.float32(gain * np.cos(phase)), np.float32(gain * np.sin(phase))
    dc = np.complex64(config.dc)
    if loops_are_quick():
        from edgespec.simulate import receiver_loops

        receiver_loops.distort(samples.view(np.float32), level, ratio, leak, dc.real, dc.imag)
        return samples
    samples *= level
    samples.imag *= ratio
    samples.imag += leak * samples.real
    samples += dc
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
        out: ``(n,)`` or ``(n, 2)``, contiguous, filled and returned.
    """
    if adc_bits == 0:
        out[:] = samples
        return out
    half = np.float32(2 ** (adc_bits - 1))
    scale, offset, low, high = half, np.float32(0), -half, half - np.float32(1)
    if sample_format is SampleFormat.CU8:
        # Offset binary has no code for zero, and its 256 codes reach from -1 to 1.
        scale = offset = np.float32(127.5)
        low, high, step = np.float32(0), np.float32(255), np.float32(1)
    elif sample_format is SampleFormat.CF32:
        step = np.float32(1) / half
    else:
        step = np.float32(sample_format.full_scale) / half
    parts = samples.view(np.float32)
    codes = (out.view(np.float32) if sample_format is SampleFormat.CF32 else out).reshape(-1)
    if loops_are_quick():
        from edgespec.simulate import receiver_loops

        receiver_loops.quantise(parts, scale, offset, low, high, step, codes)
        return out
    parts = parts * scale
    parts += offset
    np.clip(np.rint(parts, out=parts), low, high, out=parts)
    parts *= step
    codes[:] = parts
    return out
