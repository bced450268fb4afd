"""Barrage: Gaussian noise over a part of the band."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.emitters.blocks import in_blocks
from edgespec.simulate.emitters.kind import Baseband

__all__ = ["barrage"]

_N_HALF = 16_384


def barrage(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """Noise pieces that overlap by half; squared sine windows of both sum to 1, so does power."""
    n = 2 * _N_HALF
    inside = np.abs(fft.fftfreq(n)) <= config.bandwidth_hz / sample_rate_hz / 2
    n_inside = int(inside.sum())
    scale = np.float32(n / np.sqrt(2.0 * n_inside))
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n).astype(np.float32)
    last: dict[int, NDArray[np.complex64]] = {}

    def piece(index: int) -> NDArray[np.complex64]:
        if index not in last:
            rng = np.random.default_rng((seed, index))
            spectrum = np.zeros(n, np.complex64)
            parts = rng.standard_normal(2 * n_inside, np.float32)
            spectrum[inside] = parts.view(np.complex64) * scale
            made = fft.ifft(spectrum) * window
            for old in [key for key in last if key < index - 1 or key > index]:
                del last[old]
            last[index] = made
        return last[index]

    def block(index: int) -> NDArray[np.complex64]:
        return piece(index)[_N_HALF:] + piece(index + 1)[:_N_HALF]

    return in_blocks(block, _N_HALF)
