"""How far reference symbols stand out of noise: what the proofs of LTE and of NR share."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["DELAYS", "alike", "deviations", "gathered", "gathered_at", "snr_db"]

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
    sums = np.einsum("...k,kd->...d", channel, _waves(channel.shape[-1]))
    return _mean_power(sums, channel.shape[-1])


def gathered_at(
    delay: int, received: NDArray[np.complex64], sequences: NDArray[np.complex64]
) -> NDArray[np.float64]:
    """Return what :func:`gathered` gives at one delay for several sequences, float64 ``(n,)``.

    Args:
        delay: number of one of :data:`DELAYS`.
        received: ``(..., n_pilots)``.
        sequences: ``(n, ..., n_pilots)``.
    """
    steered = received * _waves(received.shape[-1])[:, delay]
    sums = np.einsum("...k,s...k->...s", steered, sequences.conj())
    return _mean_power(sums, received.shape[-1])


@lru_cache(maxsize=64)
def _waves(n_pilots: int) -> NDArray[np.complex64]:
    """Return what turns a delay's slope of the phase back, complex64 ``(n_pilots, n_delays)``."""
    turns = 2j * np.pi * np.outer(np.arange(n_pilots), DELAYS)
    waves: NDArray[np.complex64] = np.exp(turns).astype(np.complex64)
    waves.flags.writeable = False
    return waves


def _mean_power(sums: NDArray[np.complex64], n_pilots: int) -> NDArray[np.float64]:
    """Return the mean over all axes but the last, in the power of noise."""
    symbols = tuple(range(sums.ndim - 1))
    return np.asarray(np.mean(np.abs(sums) ** 2, axis=symbols, dtype=np.float64) / n_pilots)


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
