"""How far reference symbols stand out of noise: what the proofs of LTE and of NR share."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["DELAYS", "alike", "deviations", "gathered", "snr_db"]

#: Delays that are looked at, in turns from pilot to pilot: of LTE, 90 kHz apart, within 1.4 us to
#: either side.
DELAYS = np.arange(-3, 4) / 24


def alike(received: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return pilots with power 1 in each symbol: a burst counts no more than any other.

    The last axis is that of the subcarriers.
    """
    power = np.mean(np.abs(received) ** 2, axis=-1, keepdims=True)
    out: NDArray[np.complex64] = received / (np.sqrt(power) + np.float32(1e-30))
    return out


def gathered(channel: NDArray[np.complex64]) -> NDArray[np.float64]:
    """Return the mean power that arrives at each delay, in that of noise, float64 ``(n_delays,)``.

    From the transform of each symbol's pilots, the last axis,
    ``|sum_k h[k] exp(2 pi i k d)|^2 / n``; where the symbols have power 1 it is 1 for noise, and
    ``n`` for a cell without noise at its delay.
    """
    n = channel.shape[-1]
    waves = np.exp(2j * np.pi * np.outer(np.arange(n), DELAYS)).astype(np.complex64)
    sums = np.einsum("...k,kd->...d", channel, waves)
    symbols = tuple(range(channel.ndim - 1))
    return np.asarray(np.mean(np.abs(sums) ** 2, axis=symbols, dtype=np.float64) / n)


def deviations(power: float, n_symbols: int) -> float:
    """Return how many standard deviations a power of :func:`gathered` lies above that of noise.

    Sums of exponential variables, made normal (Wilson and Hilferty 1931).
    """
    n = n_symbols
    return float((power ** (1 / 3) - 1.0 + 1.0 / (9 * n)) * np.sqrt(9.0 * n))


def snr_db(coherence: float, most_db: float = 30.0) -> float:
    """Return the SNR that a coherence ``c`` of 0 to 1 says, ``c / (1 - c)``.

    It is believed up to ``most_db``: what is above is the channel, timing and the receiver.
    """
    share = min(max(coherence, 1e-6), 1.0 - 1e-6)
    return min(float(10.0 * np.log10(share / (1.0 - share))), most_db)
