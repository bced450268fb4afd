"""Narrowband phase keying with root-raised-cosine pulses (Li et al. 2019, sec. 5.4).

Blocks are shaped in the frequency domain, with the symbols before and after them as guard, so
the waveform is continuous over blocks and lies within its bandwidth.
"""

from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.emitters.blocks import in_blocks
from edgespec.simulate.emitters.kind import Baseband

__all__ = ["bpsk", "qpsk"]

_ROLL_OFF = 0.25
#: Symbols either side of a block; the pulse is 50 dB down by then.
_GUARD_SYMBOLS = 32
_BLOCK_SAMPLES = 32_768
_MOST_SAMPLES = 256


def _psk(
    points: NDArray[np.complex64], config: InterfererConfig, sample_rate_hz: float, seed: int
) -> Baseband:
    """Return the waveform of random symbols; its bandwidth is (1 + roll-off) x symbol rate."""
    per_sample = config.bandwidth_hz / (1.0 + _ROLL_OFF) / sample_rate_hz
    ratio = Fraction(per_sample).limit_denominator(_MOST_SAMPLES) or Fraction(1, _MOST_SAMPLES)
    n_symbols, n_samples = ratio.numerator, ratio.denominator
    repeats = max(1, _BLOCK_SAMPLES // n_samples)
    guard = -(-_GUARD_SYMBOLS // n_symbols)
    total = repeats + 2 * guard
    freqs = np.abs(fft.fftfreq(total * n_samples)) / float(ratio)
    x = np.clip((freqs - (1 - _ROLL_OFF) / 2) / _ROLL_OFF, 0.0, 1.0)
    shape = np.cos(np.pi / 2 * x).astype(np.float32)
    # Raised-cosine power integrates to the symbol rate.
    shape *= np.float32(np.sqrt(n_samples / n_symbols))
    alias = np.arange(total * n_samples)
    alias[alias >= (total * n_samples + 1) // 2] -= total * n_samples
    alias %= total * n_symbols
    n_block = repeats * n_symbols

    def symbols(index: int) -> NDArray[np.complex64]:
        if index < 0:
            return np.zeros(n_block, np.complex64)
        rng = np.random.default_rng((seed, index))
        return points[rng.integers(0, len(points), n_block)]

    def block(index: int) -> NDArray[np.complex64]:
        n_guard = guard * n_symbols
        line = np.concatenate(
            [symbols(index - 1)[-n_guard:], symbols(index), symbols(index + 1)[:n_guard]]
        )
        shaped = fft.ifft(fft.fft(line)[alias] * shape) * np.float32(np.sqrt(n_samples / n_symbols))
        out: NDArray[np.complex64] = shaped[guard * n_samples : -guard * n_samples]
        return out

    return in_blocks(block, repeats * n_samples)


bpsk = partial(_psk, np.array([1, -1], np.complex64))
qpsk = partial(_psk, np.array([1, 1j, -1, -1j], np.complex64))
