"""Random-access preambles of an uplink, format 0 (TS 36.211, sec. 5.7)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SUBCARRIER_HZ,
    SUBFRAMES_PER_FRAME,
)
from edgespec.simulate.uplink_users import PRACH_BLOCKS

__all__ = ["add_preamble"]

_N_ZC = 839
_SPACING_HZ = 1250.0
_N_USEFUL = int(SAMPLE_RATE_HZ / _SPACING_HZ)
#: Prefix of 3168 samples at 30.72 MS/s.
_N_PREFIX = 3168 // 4
_GUARD_BINS = 13


def add_preamble(
    frame: NDArray[np.complex64], root: int, amplitude: float, delay_s: float, subframe: int
) -> None:
    """Add a preamble to a frame at 7.68 MS/s in place; ``delay_s`` of either sign."""
    preamble = _preamble(root % 64)
    start = subframe * (FRAME_SAMPLES // SUBFRAMES_PER_FRAME)
    start += round(delay_s * SAMPLE_RATE_HZ)
    frame[start : start + len(preamble)] += np.float32(amplitude) * preamble


@lru_cache(maxsize=64)
def _preamble(root: int) -> NDArray[np.complex64]:
    """Return prefix and sequence; power per hertz as of a used subcarrier of amplitude 1."""
    n = np.arange(_N_ZC)
    sequence = np.exp(-1j * np.pi * (1 + root) * n * (n + 1) / _N_ZC)
    low_hz = (12 * PRACH_BLOCKS.start - N_SUBCARRIERS / 2) * SUBCARRIER_HZ
    bins = (round(low_hz / _SPACING_HZ) + _GUARD_BINS + n) % _N_USEFUL
    spectrum = np.zeros(_N_USEFUL, np.complex128)
    spectrum[bins] = fft.fft(sequence, norm="ortho")
    useful = fft.ifft(spectrum) * _N_USEFUL
    useful *= np.sqrt(_SPACING_HZ / (SUBCARRIER_HZ * N_SUBCARRIERS))
    return np.concatenate([useful[-_N_PREFIX:], useful]).astype(np.complex64)
