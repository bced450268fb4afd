"""OFDM as wide as is asked for, at any sample rate."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.emitters.blocks import in_blocks
from edgespec.simulate.emitters.kind import Baseband

__all__ = ["ofdm"]

_SPACING_HZ = 15e3
_SYMBOLS_PER_BLOCK = 56


def ofdm(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """QPSK on subcarriers 15 kHz apart with a cyclic prefix of 1/14, in blocks of 56 symbols."""
    n_fft = max(8, round(sample_rate_hz / _SPACING_HZ))
    n_prefix = max(1, n_fft // 14)
    half = max(1, round(config.bandwidth_hz / sample_rate_hz * n_fft / 2))
    bins = np.r_[1 : half + 1, n_fft - half : n_fft]
    place = np.arange(-n_prefix, n_fft) % n_fft

    def block(index: int) -> NDArray[np.complex64]:
        rng = np.random.default_rng((seed, index))
        signs = rng.integers(0, 2, (_SYMBOLS_PER_BLOCK, len(bins), 2)) * 2.0 - 1.0
        spectrum = np.zeros((_SYMBOLS_PER_BLOCK, n_fft), np.complex64)
        spectrum[:, bins] = signs[..., 0] + 1j * signs[..., 1]
        symbols = fft.ifft(spectrum, axis=1) * np.float32(n_fft / np.sqrt(2 * len(bins)))
        out: NDArray[np.complex64] = symbols[:, place].ravel()
        return out

    return in_blocks(block, _SYMBOLS_PER_BLOCK * len(place))
